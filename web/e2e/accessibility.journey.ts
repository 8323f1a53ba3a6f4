import { openTab } from './detailPage'
import { checkScreen, expect, expectLoaded, signIn, startDeletion, test } from './fixtures'

// Accessibility and layout of screens and dialogs: light theme, dark theme and 360 px width.

const screens = [
  { path: '/app/', title: 'Overview' },
  { path: '/app/sites', title: 'Sites' },
  { path: '/app/sites?name=Nowhere', title: 'Sites' },
  { path: '/app/sites/new', title: 'New site' },
  { path: '/app/sites/1', title: 'Site 1' },
  { path: '/app/freezers/new', title: 'New freezer' },
  { path: '/app/import', title: 'Import' },
  { path: '/app/activity', title: 'Activity' },
  { path: '/app/storage', title: 'Storage' },
  { path: '/app/storage?view=list', title: 'Storage' },
  { path: '/app/settings', title: 'Settings' },
  { path: '/app/alerts?group=rule', title: 'Alerts' },
  { path: '/app/alerts?view=list', title: 'Alerts' },
  { path: '/app/todos', title: 'Todos' },
  { path: '/app/todos?view=list', title: 'Todos' },
  { path: '/app/users', title: 'Users' },
  { path: '/app/users/900009', title: 'Ana-Margarida Vasconcelos Figueiredo de Albuquerque Schmidt-Rottluff' },
  { path: '/app/nowhere', title: 'Page not found' },
]

for (const { path, title } of screens)
  test(`${path} is accessible`, async ({ page, openServer }) => {
    test.slow() // three axe runs, some on a hundred rows
    await page.goto(openServer.url + path)
    await expectLoaded(page, title)
    await expect(page).toHaveTitle(`${title} · Labledger`)
    await checkScreen(page, path.replace(/^\/app\//, '').replace(/\W+/g, '-') || 'overview')
  })

test.describe('dialogs', () => {
  test.use({ expectedErrors: /status of 409/ }) // the dry run of a deletion reports dependent rows
  test('dialogs are accessible', async ({ page, openServer }) => {
    test.slow() // checks seven screens, with three axe runs each
    await page.goto(`${openServer.url}/app/sites/1`)
    await expectLoaded(page, 'Site 1')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill('Site 2')
    await expect(page.getByRole('option', { name: 'Site 2' })).toBeVisible()
    await checkScreen(page, 'search')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'New', exact: true }).click()
    await expect(page.getByRole('menuitem', { name: 'New container' })).toBeVisible()
    await checkScreen(page, 'new-menu')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
    await checkScreen(page, 'shortcuts')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Account' }).click()
    await expect(page.getByText('This server runs without sign-in')).toBeVisible()
    await checkScreen(page, 'account-menu')
    await page.keyboard.press('Escape')
    await startDeletion(page)
    await expect(page.getByText(/^In use by \d+ computers and \d+ freezers\.$/)).toBeVisible()
    await checkScreen(page, 'delete')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Edit' }).click()
    await expect(page.getByLabel('Contact')).toBeVisible()
    await checkScreen(page, 'site-edit')
  })
})

test.describe('errors', () => {
  test.use({ expectedErrors: /status of (400|404)/ })
  test('an invalid filter value is reported', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/events?user_id=nobody`)
    await expect(page.getByText('This address or filter is not valid')).toBeVisible()
    await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(0)
    await checkScreen(page, 'invalid-filter')
  })

  test('an unknown site is reported', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/sites/999`)
    await expect(page.getByText('Not found', { exact: true })).toBeVisible()
    await checkScreen(page, 'not-found')
  })
})

test('the sign-in and registration screens are accessible', async ({ page, securedServer }) => {
  await page.goto(`${securedServer.url}/app/sign-in`)
  await expectLoaded(page, 'Sign in')
  await checkScreen(page, 'sign-in')
  await page.getByRole('link', { name: 'Create account' }).click()
  await expectLoaded(page, 'Create account')
  await checkScreen(page, 'register')
})

test('a viewer sees no controls that need another role', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/sites/1')
  await expectLoaded(page, 'Site 1')
  await openTab(page, 'Attachments')
  for (const name of ['Edit', 'Upload files'])
    await expect(page.getByRole('main').getByRole('button', { name })).toHaveCount(0)
  await page.getByRole('button', { name: 'More actions' }).click()
  await expect(page.getByRole('menuitem')).toHaveText(['New todo'])
  await checkScreen(page, 'viewer')
  await page.goto(`${securedServer.url}/app/sites/new`)
  await expect(page.getByText('You don’t have access')).toBeVisible()
  await checkScreen(page, 'forbidden')
})
