import { boxUuid } from './bigLab'
import { callApi, checkScreen, expect, expectLoaded, fireTimers, type Page, signIn, test, uniqueName } from './fixtures'
import { scan, typeByHand } from './scanner'
import { countContainers } from './storageLab'

// The search (Cmd-K), by keyboard alone.

/** openSearch opens the search with a shortcut. */
async function openSearch(page: Page, key = 'Control+k') {
  await page.keyboard.press(key)
  await expect(page.getByRole('combobox', { name: 'Search' })).toBeFocused()
}

const searchOptions = (page: Page) => page.getByRole('listbox', { name: 'Results' }).getByRole('option')
const selectedOption = (page: Page) =>
  page.getByRole('listbox', { name: 'Results' }).getByRole('option', { selected: true })

/** runCommand opens the search, types a part of an action, and runs it. */
async function runCommand(page: Page, text: string, name: string) {
  await openSearch(page)
  await page.keyboard.insertText(text) // typed as fast as by Playwright, it would be a scan
  await expect(selectedOption(page)).toHaveAccessibleName(name)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('combobox', { name: 'Search' })).toHaveCount(0)
}

test('search finds a row by part of its name, and Enter opens it at any typing speed', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
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
  await expect(page.getByRole('status').filter({ hasText: '3 results' })).toBeVisible()
  await expect(options.first()).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('ArrowDown')
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true')
  await expect(search).toHaveAttribute('aria-activedescendant', (await options.nth(1).getAttribute('id')) ?? '')
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
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await openSearch(page)
  await page.keyboard.type('norway biobank')
  await expect(page.getByRole('group', { name: 'Sites, 3' })).toBeVisible()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('Minus80-B2')
  const freezers = page.getByRole('group', { name: 'Freezers, 5' })
  await expect(freezers.getByRole('option')).toHaveCount(5)
  const total = await countContainers(page, 'q=Minus80-B2')
  const containers = page.getByRole('group', { name: `Containers, 5 of ${total}` })
  await expect(containers.getByRole('option')).toHaveCount(6)
  await expect(page.getByRole('status').filter({ hasText: `10 of ${total + 5} results` })).toBeVisible()
  await checkScreen(page, 'search-groups')
  await containers.getByRole('option').last().click()
  await expectLoaded(page, 'Containers')
  await expect(page.getByRole('searchbox', { name: 'Search containers' })).toHaveValue('Minus80-B2')
  await expect(page.getByRole('table')).toContainText('Minus80-B2')
})

for (const [noun, path, searchbox] of [
  ['todos', '/todos', 'Search todos'],
  ['computers', '/instruments', 'Search computers'],
  ['freezers', '/storage', 'Search freezers'],
] as const)
  test(`all matching ${noun} are one key away`, async ({ page, openServer }) => {
    const text = { todos: 'defrost', computers: 'reader', freezers: 'minus80' }[noun]
    await page.goto(`${openServer.url}/app/sites`)
    await expectLoaded(page, 'Sites')
    await openSearch(page)
    await page.keyboard.type(text)
    await page.getByRole('option', { name: new RegExp(`^Show all .* ${noun}$`) }).click()
    await expect(page).toHaveURL(new RegExp(`/app${path}\\?.*q=${text}`))
    await expect(page.getByRole('searchbox', { name: searchbox })).toHaveValue(text)
  })

test('search offers pages, actions and recent items', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites/2`)
  await expectLoaded(page, 'Site 2')
  await fireTimers(page, 1000) // visits count after one second
  await page.keyboard.press('g')
  await page.keyboard.press('i')
  await expectLoaded(page, 'Instruments')
  await openSearch(page)
  await expect(page.getByRole('group', { name: 'Recent' }).getByRole('option')).toHaveText(['Site 2'])
  const groups = page.getByRole('listbox', { name: 'Results' }).getByRole('group')
  await expect(groups.first()).toHaveAccessibleName('Recent') // the list has no actions of its own
  await checkScreen(page, 'search-recent')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Site 2')
  await openSearch(page)
  await typeByHand(page, 'freez new')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'New freezer')
  await runCommand(page, 'dark', 'Switch to dark theme')
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
  await runCommand(page, 'light', 'Switch to light theme')
  await runCommand(page, 'scan', 'Scan a barcode')
  await expectLoaded(page, 'Scan')
})

test('search offers the actions on the present container', async ({ page, context, openServer }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const uuid = boxUuid(5)
  await page.goto(`${openServer.url}/app/containers/${uuid}`)
  await expectLoaded(page, 'Mouse serum, cohort 4')
  await openSearch(page)
  const actions = page.getByRole('group', { name: 'On this page' }).getByRole('option')
  await expect(actions).toHaveText([
    'Check out…',
    'Mark as missing…',
    'Print label…',
    'Move…',
    'Edit',
    'Copy barcode',
    'Discard…',
    'Delete…',
  ])
  await checkScreen(page, 'search-actions')
  await page.keyboard.press('Escape')
  await runCommand(page, 'copy', 'Copy barcode')
  await expect(page.getByText('Barcode copied')).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(uuid)
  await runCommand(page, 'move', 'Move…')
  await expect(page.getByRole('combobox', { name: 'Move to' })).toBeFocused()
  for (let i = 0; i < 2; i++) await page.keyboard.press('Escape') // the options, then the dialog
  await runCommand(page, 'delete', 'Delete…')
  await expect(page.getByRole('dialog', { name: 'Delete Mouse serum, cohort 4?' })).toBeVisible()
  await page.keyboard.press('Escape')
  await runCommand(page, 'edit', 'Edit')
  await expect(page.getByLabel('Description')).toBeFocused()
})

test('search offers the actions on the present alert, and they ask before they write', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { body: alerts } = await callApi(page, 'GET', '/api/v1/alerts?state=open&limit=1')
  await page.goto(`${securedServer.url}/app/alerts/${alerts[0].id}`)
  await expect(page.getByRole('button', { name: 'Acknowledge' })).toBeVisible()
  await openSearch(page)
  const actions = page.getByRole('group', { name: 'On this page' }).getByRole('option')
  await expect(actions.first()).toHaveText('Assign to me…')
  await expect(actions.filter({ hasText: 'Close' })).toHaveCount(2)
  await page.keyboard.press('Escape')
  await runCommand(page, 'to me', 'Assign to me…')
  await page.getByRole('dialog').getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('Alert assigned to Olga Berg')).toBeVisible()
  await runCommand(page, 'acknow', 'Acknowledge…')
  await expect(page.getByRole('dialog', { name: 'Acknowledge alert' })).toBeVisible()
})

test('search offers the actions on the present freezer and todo', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/freezers/107`)
  await expectLoaded(page, 'Minus80-B2')
  await runCommand(page, 'new con', 'New container')
  await expectLoaded(page, 'New container')
  await expect(page.getByRole('combobox', { name: 'Lies in' })).toHaveValue('Minus80-B2')
  const { body: todo } = await callApi(page, 'POST', '/api/v1/todos', {
    description: uniqueName('Fetch dry ice'),
    status: 'open',
  })
  await page.goto(`${openServer.url}/app/todos/${todo.id}`)
  await expectLoaded(page, todo.description)
  await runCommand(page, 'mark', 'Mark as done…')
  await page.getByRole('dialog').getByRole('button', { name: 'Mark as done' }).click()
  await expect(page.getByRole('main').getByText('Done', { exact: true }).first()).toBeVisible()
  await openSearch(page)
  await expect(page.getByRole('option', { name: 'Delete…' })).toBeVisible()
  await expect(page.getByRole('option', { name: 'Mark as done…' })).toHaveCount(0)
})

test('the focus returns to where it was', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const { body: site } = await callApi(page, 'POST', '/api/v1/sites', { name: uniqueName('Annex') })
  await page.goto(`${openServer.url}/app/sites/${site.id}`)
  const edit = page.getByRole('button', { name: 'Edit' })
  await edit.focus()
  await openSearch(page)
  await page.keyboard.press('Escape')
  await expect(edit).toBeFocused()
  await runCommand(page, 'delete', 'Delete…')
  await expect(page.getByRole('dialog', { name: /^Delete/ })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(edit).toBeFocused()
})

test('a viewer gets only permitted actions, and sign-out deletes recent items', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/sites/1')
  await expectLoaded(page, 'Site 1')
  await fireTimers(page, 1000)
  await openSearch(page)
  await page.keyboard.type('site')
  await expect(page.getByRole('option', { name: 'Site 2', exact: true })).toBeVisible()
  await expect(searchOptions(page).filter({ hasText: 'New site' })).toHaveCount(0)
  await page.keyboard.press('Control+a')
  await page.keyboard.type('delete')
  await expect(page.getByText('No results for “delete”')).toBeVisible()
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
    await page.goto(`${openServer.url}/app/sites`)
    await expectLoaded(page, 'Sites')
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

test.describe('offline', () => {
  test.use({ expectedErrors: /ERR_INTERNET_DISCONNECTED/ })

  test('pages and recent items are found offline', async ({ page, context, openServer }) => {
    await page.goto(`${openServer.url}/app/sites`)
    await expectLoaded(page, 'Sites')
    await context.setOffline(true)
    await openSearch(page)
    await page.keyboard.type('rule')
    await expect(page.getByText('Offline: only pages and recent items.')).toBeVisible()
    await expect(selectedOption(page)).toHaveAccessibleName('Rules')
    await context.setOffline(false)
  })
})

test('keys typed right after the shortcut go into the field', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  for (const shortcut of ['Control+k', '/']) {
    await page.keyboard.press(shortcut)
    await page.keyboard.type('new') // the shortcut n would open a new site
    await expect(page.getByRole('combobox', { name: 'Search' })).toHaveValue('new')
    await page.keyboard.press('Escape')
  }
  await page.keyboard.press('Control+k')
  await page.keyboard.insertText('new todo') // typed as fast as by Playwright, it would be a scan
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'New todo')
})
