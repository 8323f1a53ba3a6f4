import { callApi, checkScreen, expect, expectLoaded, fireTimers, type Page, signIn, test, uniqueName } from './fixtures'
import { scan, typeByHand } from './scanner'

// The search dialog (Cmd-K), by keyboard alone.

/** openSearch opens the search dialog with a shortcut. */
async function openSearch(page: Page, key = 'Control+k') {
  await page.keyboard.press(key)
  await expect(page.getByRole('combobox', { name: 'Search' })).toBeFocused()
}

const searchOptions = (page: Page) => page.getByRole('listbox', { name: 'Results' }).getByRole('option')

test('search finds a row by part of its name, and Enter opens it at any typing speed', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Home')
  const [name, contact] = [uniqueName('Muskox'), uniqueName('Iñupiat')]
  const { body: site } = await callApi(page, 'POST', '/api/v1/sites', {
    name: `The ${name} hut`,
    contact,
    address: null,
    state_or_region: null,
    country: null,
    postcode_or_zip: null,
  })
  const { body: freezer } = await callApi(page, 'POST', '/api/v1/freezers', { name: `${name} 100%`, site_id: site.id })
  const { body: container } = await callApi(page, 'POST', '/api/v1/containers', { freezer_id: freezer.id })
  const search = page.getByRole('combobox', { name: 'Search' })

  await openSearch(page)
  await page.keyboard.type(name.toUpperCase())
  const options = searchOptions(page)
  await expect(options).toHaveCount(3) // the container is found by the name of its freezer
  await expect(options.first()).toContainText(`${name} 100%`) // a prefix match comes first
  await expect(options.first()).toContainText(`The ${name} hut`)
  await page.keyboard.press('ArrowDown')
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true')
  await checkScreen(page, 'search-found')
  await page.keyboard.press('Enter')
  await expectLoaded(page, `The ${name} hut`)

  await openSearch(page, '/')
  await scan(page, container.uuid)
  await expectLoaded(page, container.uuid)

  await openSearch(page, '/')
  await typeByHand(page, contact.toLowerCase())
  await page.keyboard.press('Enter')
  await expectLoaded(page, `The ${name} hut`)

  await openSearch(page, '/')
  await page.keyboard.type('%_\\')
  await expect(page.getByText('No results for “%_\\”')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(search).toHaveCount(0)
})

test('matches are grouped by list with their totals, and the last option shows all of them', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Home')
  await openSearch(page)
  await page.keyboard.type('norway biobank')
  await expect(page.getByRole('group', { name: 'Sites 3' })).toBeVisible()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('Minus80-B2')
  const freezers = page.getByRole('group', { name: 'Freezers 5' })
  await expect(freezers.getByRole('option')).toHaveCount(5)
  const containers = page.getByRole('group', { name: 'Containers 600' })
  await expect(containers.getByRole('option')).toHaveCount(6)
  await checkScreen(page, 'search-groups')
  await containers.getByRole('option').last().click()
  await expectLoaded(page, 'Containers')
  await expect(page.getByRole('searchbox', { name: 'Search containers' })).toHaveValue('Minus80-B2')
  await expect(page.getByRole('table')).toContainText('Minus80-B2')
})

test('search offers pages, actions and recent items', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites/2`)
  await expectLoaded(page, 'Site 2')
  await fireTimers(page, 1000) // visits count after one second
  await page.keyboard.press('g')
  await page.keyboard.press('i')
  await expectLoaded(page, 'Instruments')
  await openSearch(page)
  await expect(searchOptions(page).first()).toContainText('Site 2')
  await expect(searchOptions(page).first()).toContainText('Recent')
  await checkScreen(page, 'search-recent')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Site 2')
  await openSearch(page)
  await typeByHand(page, 'freez new')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'New freezer')
  await openSearch(page)
  await page.keyboard.type('scan')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Containers')
})

test('a viewer gets only permitted actions, and sign-out deletes recent items', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/sites/1')
  await expectLoaded(page, 'Site 1')
  await fireTimers(page, 1000)
  await openSearch(page)
  await page.keyboard.type('site')
  await expect(page.getByRole('option', { name: 'Site 2', exact: true })).toBeVisible()
  await expect(searchOptions(page).filter({ hasText: 'New site' })).toHaveCount(0)
  await page.keyboard.press('Escape')
  expect(await page.evaluate(() => localStorage.getItem('labledger.recent.vera'))).toBe(
    '[{"path":"/sites/1","title":"Site 1"}]',
  )
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expectLoaded(page, 'Sign in')
  await fireTimers(page, 1000)
  expect(await page.evaluate(() => localStorage.getItem('labledger.recent.vera'))).toBeNull()
})

test.describe('failing search requests', () => {
  test.use({ expectedErrors: /status of 500/ })

  test('pages and actions are found without the server', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/`)
    await expectLoaded(page, 'Home')
    await page.route('**/api/v1/search?*', (route) =>
      route.fulfill({
        status: 500,
        contentType: 'application/problem+json',
        body: '{"status": 500, "title": "Broken", "detail": "It broke."}',
      }),
    )
    await openSearch(page)
    await page.keyboard.type('inst')
    await expect(page.getByText('Search failed. It broke.')).toBeVisible()
    await checkScreen(page, 'search-failed')
    await page.keyboard.press('Enter')
    await expectLoaded(page, 'Instruments')
  })
})

test('keys typed before the dialog opens go into its field only', async ({ page, openServer }) => {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/SearchDialog.js', async (route) => {
    await released
    await route.continue()
  })
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('neww site 2') // the shortcut n would open a new site
  for (let i = 0; i < 8; i++) await page.keyboard.press('Backspace')
  await page.keyboard.type(' todo')
  release()
  await expect(page.getByRole('combobox', { name: 'Search' })).toHaveValue('new todo')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'New todo')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('rules')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Rules')
})
