import { callApi, checkScreen, expect, expectLoaded, password, signIn, test } from './fixtures'
import { registerUser } from './registerUser'

// The account screen: details, password, sessions, API tokens and deletion.

test('an open server has no accounts', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/account`)
  await expectLoaded(page, 'Your account')
  await expect(page.getByText('This server runs without sign-in')).toBeVisible()
  await checkScreen(page, 'account-none')
})

test('an API token is shown once, grants access, and stops working when revoked', async ({
  page,
  context,
  securedServer,
}) => {
  test.slow() // checks three screens
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await registerUser(page, securedServer)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('link', { name: 'Your account' }).click()
  await expectLoaded(page, 'Your account')
  await page.getByRole('button', { name: 'New token' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Role').getByRole('option')).toHaveText(['viewer']) // no role above the user's own
  await dialog.getByLabel('Name').fill('Bench 7')
  await dialog.getByLabel('Expires in').selectOption('7 days')
  await checkScreen(page, 'token-new')
  await dialog.getByRole('button', { name: 'Create token' }).click()
  const token = await dialog.getByLabel('Token').inputValue()
  await checkScreen(page, 'token')
  await dialog.getByRole('button', { name: 'Copy' }).click()
  await expect(dialog.getByRole('status')).toHaveText('Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token)
  const fetchStatus = () =>
    fetch(`${securedServer.url}/api/v1/sites/1`, { headers: { Authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
    )
  expect(await fetchStatus()).toBe(200)
  await dialog.getByRole('button', { name: 'Done' }).click()
  const table = page.getByRole('table', { name: 'API tokens' })
  await expect(table).toContainText(/in [67] days/)
  expect(await page.content()).not.toContain(token)
  await page.reload()
  await expectLoaded(page, 'Your account')
  expect(await page.content()).not.toContain(token)
  await checkScreen(page, 'account')
  await table.getByRole('button', { name: 'Revoke Bench 7' }).click()
  await expect(table.getByRole('cell', { name: 'Revoked' })).toBeVisible()
  expect(await fetchStatus()).toBe(401)
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|401|409|412)/ })

  test('revoking a session signs out its browser', async ({ page, browser, securedServer }) => {
    const username = await registerUser(page, securedServer, '/app/account')
    const otherContext = await browser.newContext()
    const otherPage = await otherContext.newPage()
    await signIn(otherPage, securedServer, username, '/app/sites')
    await expectLoaded(otherPage, 'Sites')
    await page.reload()
    await expectLoaded(page, 'Your account')
    const table = page.getByRole('table', { name: 'Sessions' })
    await expect(table.getByRole('row')).toHaveCount(3)
    await table.getByRole('button', { name: /^Revoke/ }).click()
    await expect(table.getByRole('row')).toHaveCount(2)
    await expectLoaded(otherPage, 'Sign in') // without a reload
    await otherContext.close()
    await page.getByLabel('Show ended').check()
    await expect(page).toHaveURL(/ended=yes/)
    await expect(table.getByRole('row')).toHaveCount(3)
    await expect(table).toContainText('Ended just now')
    const recentVisits = () => page.evaluate((key) => localStorage.getItem(key), `labledger.recent.${username}`)
    await page.goto(`${securedServer.url}/app/sites/1`)
    await expect.poll(recentVisits).toContain('Site 1')
    await page.goto(`${securedServer.url}/app/account`)
    await table.getByRole('button', { name: 'Sign out' }).click()
    await expectLoaded(page, 'Sign in')
    expect(await recentVisits()).toBeNull() // deleted on sign-out
  })

  test('changing the password requires the current one and ends all sessions', async ({
    page,
    context,
    securedServer,
  }) => {
    const username = await registerUser(page, securedServer, '/app/account')
    const otherPage = await context.newPage()
    await otherPage.goto(`${securedServer.url}/app/sites`)
    await expectLoaded(otherPage, 'Sites')
    const currentPassword = page.getByRole('textbox', { name: 'Current password' })
    await currentPassword.fill('not this one')
    await page.getByRole('textbox', { name: 'New password' }).fill('correct horse staple')
    await page.keyboard.press('Enter')
    await expect(currentPassword).toHaveAccessibleDescription('Incorrect')
    await expect(currentPassword).toBeFocused()
    await checkScreen(page, 'password-rejected')
    await currentPassword.fill(password)
    await page.keyboard.press('Enter')
    await expectLoaded(page, 'Sign in')
    await expect(page.getByText('Password changed.')).toBeVisible()
    await expectLoaded(otherPage, 'Sign in') // without a reload
    await page.getByLabel('Username').fill(username)
    await page.getByRole('textbox', { name: 'Password' }).fill('correct horse staple')
    await page.keyboard.press('Enter')
    await expectLoaded(page, 'Overview')
  })

  test('two tabs that edit the country do not overwrite each other', async ({ page, context, securedServer }) => {
    await registerUser(page, securedServer, '/app/account')
    const otherPage = await context.newPage()
    await otherPage.goto(`${securedServer.url}/app/account`)
    for (const tab of [page, otherPage]) await tab.getByRole('button', { name: 'Edit' }).click()
    for (const [tab, country] of [
      [page, 'Iceland'],
      [otherPage, 'Norway'],
    ] as const) {
      await tab.getByLabel('Country').fill(country)
      await tab.getByRole('button', { name: 'Save' }).click()
    }
    await expect(otherPage.getByRole('dialog')).toContainText('Theirs: Iceland')
    await otherPage.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await expect(otherPage.getByRole('definition').filter({ hasText: 'Norway' })).toBeVisible()
    await expect.poll(async () => (await callApi(page, 'GET', '/account')).body.country).toBe('Norway')
  })

  test('users edit their own name and e-mail', async ({ page, securedServer }) => {
    const username = await registerUser(page, securedServer, '/app/account')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Rita Levi')
    await page.getByLabel('E-mail').fill('rita')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('E-mail')).toHaveAccessibleDescription('Enter an e-mail address like jane@example.org')
    await expect(page.getByLabel('E-mail')).toBeFocused()
    await expect(page.getByText('Please fix the highlighted fields')).toBeVisible()
    await checkScreen(page, 'account-rejected')
    await page.getByLabel('E-mail').fill('rita@lab.example')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('definition').filter({ hasText: 'rita@lab.example' })).toBeVisible()
    await page.getByRole('banner').getByRole('button', { name: 'Account' }).click()
    await expect(page.getByText('Rita Levi').last()).toBeVisible()
    expect((await callApi(page, 'GET', '/account')).body).toMatchObject({ username, display_name: 'Rita Levi' })
  })

  test('typed text is not lost without a question', async ({ page, securedServer }) => {
    await registerUser(page, securedServer, '/app/account')
    const questions: string[] = []
    let isAccepted = false
    page.on('dialog', (dialog) => {
      questions.push(dialog.message())
      void (isAccepted ? dialog.accept() : dialog.dismiss())
    })
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Country').fill('Iceland')
    await page.getByRole('link', { name: 'Sites' }).click()
    await expect.poll(() => questions).toEqual(['Leave without saving? What you typed will be lost.'])
    await expect(page.getByLabel('Country')).toHaveValue('Iceland')
    await page.getByRole('button', { name: 'Cancel' }).click() // says what it does
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('Bench 7')
    await page.keyboard.press('Escape')
    await expect(dialog.getByLabel('Name')).toHaveValue('Bench 7')
    isAccepted = true
    await page.keyboard.press('Escape')
    await expect(dialog).toHaveCount(0)
    expect(questions).toHaveLength(3)
    await page.getByRole('link', { name: 'Sites' }).click()
    await expectLoaded(page, 'Sites')
  })

  test('deleting the account asks for confirmation', async ({ page, securedServer }) => {
    const username = await registerUser(page, securedServer, '/app/account')
    await page.getByRole('button', { name: 'Delete account' }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText(`Delete your account (${username})?`)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Delete account' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await expectLoaded(page, 'Sign in')
    await page.getByLabel('Username').fill(username)
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('main').getByRole('alert')).toContainText('Username or password is wrong.')
  })
})
