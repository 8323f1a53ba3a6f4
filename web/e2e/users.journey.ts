import { chips } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, signIn, test, users } from './fixtures'
import { registerUser } from './registerUser'

// User management by admins, and its effect on the sessions of those users.

test('only admins see users', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  await expect(page.getByRole('navigation').getByRole('link', { name: 'Users' })).toHaveCount(0)
  for (const path of ['/app/users', '/app/users/new', '/app/users/1']) {
    await page.goto(securedServer.url + path)
    await expect(page.getByText('You don’t have access')).toBeVisible()
  }
  await checkScreen(page, 'users-forbidden')
})

test('an admin creates, finds, edits, disables and deletes a user', async ({ page, securedServer }) => {
  test.slow()
  const name = `Grace ${Date.now() % 1e8}`
  await signIn(page, securedServer, 'ada', '/app/users')
  await expectLoaded(page, 'Users')
  await checkScreen(page, 'users')
  await page.keyboard.press('n')
  await expectLoaded(page, 'New user')
  await page.getByLabel('Username').fill(name)
  await page.getByLabel('Risk level').selectOption('high')
  await checkScreen(page, 'user-new')
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, name)
  await checkScreen(page, 'user')
  await page.goto(`${securedServer.url}/app/users?username=${encodeURIComponent(name)}&risk=high`)
  await expect(chips(page)).toHaveText([new RegExp(`Username: ${name}`), /Risk level: high/])
  await page.getByRole('link', { name }).click()
  await expectLoaded(page, name)
  await page.keyboard.press('u')
  await page.getByLabel('Country').fill('Iceland')
  await page.getByLabel('Disabled').check()
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('dialog', { name: `Disable ${name}?` })
  await checkScreen(page, 'user-disable')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByLabel('Country')).toHaveValue('Iceland') // the input is kept
  await page.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Disable user' }).click()
  await expect(page.getByRole('definition').filter({ hasText: 'Yes' })).toBeVisible()
  await expect(page.getByText('Saved')).toBeVisible()
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Disabled: false → true')
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expectLoaded(page, 'Users')
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|401|403|409|412)/ })

  test('a username that is taken shows an error at its field', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'ada', '/app/users/new')
    await page.getByLabel('Username').fill(Object.keys(users)[1] as string)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Username')).toHaveAccessibleDescription('is already used by another account')
    await expect(page.getByLabel('Username')).toBeFocused()
  })

  test('a user whose role was lowered cannot save on an open page and sees why', async ({
    page,
    browser,
    securedServer,
  }) => {
    const username = await registerUser(page, securedServer)
    const otherContext = await browser.newContext()
    const adminPage = await otherContext.newPage()
    await signIn(adminPage, securedServer, 'ada', `/app/users?username=${username}`)
    const setRole = async (role: string) => {
      await adminPage.getByRole('button', { name: 'Edit' }).click()
      await adminPage.getByLabel('Role').selectOption(role)
      await adminPage.getByRole('button', { name: 'Save' }).click()
      await expect(adminPage.getByRole('definition').filter({ hasText: role })).toBeVisible()
      await expect(adminPage.getByRole('button', { name: 'Edit' })).toHaveAttribute('aria-disabled', 'false')
    }
    await adminPage.getByRole('link', { name: username }).click()
    await expectLoaded(adminPage, username)
    await setRole('operator')
    await page.goto(`${securedServer.url}/app/sites/2`)
    await expectLoaded(page, 'Site 2')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Contact').fill('Unsaved contact')
    await setRole('viewer')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('alert')).toContainText('Requires role operator; you have viewer.')
    await expect(page.getByLabel('Contact')).toHaveValue('Unsaved contact')
    await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0) // the page has the new role
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0)
    expect((await callApi(page, 'GET', '/api/v1/sites/2')).body.contact).not.toBe('Unsaved contact')
    await otherContext.close()
  })

  test('two admins who edit the same user resolve the conflict', async ({ page, context, securedServer }) => {
    await signIn(page, securedServer, 'ada')
    const name = `Twice ${Date.now() % 1e8}`
    const { body } = await callApi(page, 'POST', '/api/v1/users', { username: name })
    const otherPage = await context.newPage()
    for (const tab of [page, otherPage]) {
      await tab.goto(`${securedServer.url}/app/users/${body.id}`)
      await tab.getByRole('button', { name: 'Edit' }).click()
    }
    await page.getByLabel('Risk level').selectOption('low')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Saved')).toBeVisible()
    await otherPage.getByLabel('Risk level').selectOption('high')
    await otherPage.getByLabel('Country').fill('Norway')
    await otherPage.getByRole('button', { name: 'Save' }).click()
    await expect(otherPage.getByRole('dialog')).toContainText('Theirs: low')
    await otherPage.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await expect(otherPage.getByText('Saved')).toBeVisible()
    expect((await callApi(page, 'GET', `/api/v1/users/${body.id}`)).body).toMatchObject({
      risk: 'high',
      country: 'Norway',
      version: 3,
    })
  })
})
