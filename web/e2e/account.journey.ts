import { call, expect, loaded, look, password, signIn, test } from './fixtures'
import { newcomer } from './registerUser'

// What one does with an account of one's own.

test('on an open server there is no account', async ({ page, open }) => {
  await page.goto(`${open.url}/app/account`)
  await loaded(page, 'Your account')
  await expect(page.getByText('You have no account here')).toBeVisible()
  await look(page, 'account-none')
})

test('an API token is shown once, does what its role may, and ends', async ({ page, context, closed }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await newcomer(page, closed)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('link', { name: 'Your account' }).click()
  await loaded(page, 'Your account')
  await page.getByRole('button', { name: 'New token' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Role').getByRole('option')).toHaveText(['viewer']) // not more than one may oneself
  await dialog.getByLabel('Name').fill('Bench 7')
  await dialog.getByLabel('Good for').selectOption('7 days')
  await look(page, 'token-new')
  await dialog.getByRole('button', { name: 'Make it' }).click()
  const token = await dialog.getByLabel('Token').inputValue()
  await look(page, 'token')
  await dialog.getByRole('button', { name: 'Copy' }).click()
  await expect(dialog.getByRole('status')).toHaveText('Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token)
  const ask = () => fetch(`${closed.url}/api/v1/sites/1`, { headers: { Authorization: `Bearer ${token}` } }).then(({ status }) => status)
  expect(await ask()).toBe(200)
  await dialog.getByRole('button', { name: 'Done' }).click()
  const table = page.getByRole('table', { name: 'API tokens' })
  await expect(table).toContainText(/in [67] days/)
  expect(await page.content()).not.toContain(token)
  await page.reload()
  await loaded(page, 'Your account')
  expect(await page.content()).not.toContain(token)
  await look(page, 'account')
  await table.getByRole('button', { name: 'End Bench 7' }).click()
  await expect(table.getByRole('cell', { name: 'Over' })).toBeVisible()
  expect(await ask()).toBe(401)
})

test.describe('refused', () => {
  test.use({ expected: /status of (400|401|409|412)/ })

  test('a session that one ends elsewhere is signed out there', async ({ page, browser, closed }) => {
    const who = await newcomer(page, closed, '/app/account')
    const elsewhere = await browser.newContext()
    const other = await elsewhere.newPage()
    await signIn(other, closed, who, '/app/sites')
    await loaded(other, 'Sites')
    await page.reload()
    await loaded(page, 'Your account')
    const table = page.getByRole('table', { name: 'Sessions' })
    await expect(table.getByRole('row')).toHaveCount(3)
    await table.getByRole('button', { name: /^End/ }).click()
    await expect(table.getByRole('row')).toHaveCount(2)
    await loaded(other, 'Sign in') // by itself
    await elsewhere.close()
    await page.getByLabel('Also those that have ended').check()
    await expect(page).toHaveURL(/ended=yes/)
    await expect(table.getByRole('row')).toHaveCount(3)
    await expect(table).toContainText('Ended just now')
    const visits = () => page.evaluate((key) => localStorage.getItem(key), `labledger.recent.${who}`)
    await page.goto(`${closed.url}/app/sites/1`)
    await expect.poll(visits).toContain('Site 1')
    await page.goto(`${closed.url}/app/account`)
    await table.getByRole('button', { name: 'Sign out here' }).click()
    await loaded(page, 'Sign in')
    expect(await visits()).toBeNull() // nothing of it is left behind
  })

  test('a password is changed with the old one, and every session ends', async ({ page, context, closed }) => {
    const who = await newcomer(page, closed, '/app/account')
    const other = await context.newPage()
    await other.goto(`${closed.url}/app/sites`)
    await loaded(other, 'Sites')
    const old = page.getByRole('textbox', { name: 'Password until now' })
    await old.fill('not this one')
    await page.getByRole('textbox', { name: 'New password' }).fill('nobody guesses this')
    await page.keyboard.press('Enter')
    await expect(old).toHaveAccessibleDescription('is wrong')
    await expect(old).toBeFocused()
    await look(page, 'password-refused')
    await old.fill(password)
    await page.keyboard.press('Enter')
    await loaded(page, 'Sign in')
    await expect(page.getByText('Your password is changed.')).toBeVisible()
    await loaded(other, 'Sign in') // by itself
    await page.getByLabel('Username').fill(who)
    await page.getByRole('textbox', { name: 'Password' }).fill('nobody guesses this')
    await page.keyboard.press('Enter')
    await loaded(page, 'Home')
  })

  test('the country is changed; two tabs do not overwrite each other', async ({ page, context, closed }) => {
    await newcomer(page, closed, '/app/account')
    const other = await context.newPage()
    await other.goto(`${closed.url}/app/account`)
    for (const tab of [page, other]) await tab.getByRole('button', { name: 'Edit' }).click()
    for (const [tab, country] of [
      [page, 'Iceland'],
      [other, 'Norway'],
    ] as const) {
      await tab.getByLabel('Country').fill(country)
      await tab.getByRole('button', { name: 'Save' }).click()
    }
    await expect(other.getByRole('dialog')).toContainText('Theirs: Iceland')
    await other.getByRole('button', { name: 'Save these' }).click()
    await expect(other.getByRole('definition').filter({ hasText: 'Norway' })).toBeVisible()
    expect((await call(page, 'GET', '/account')).body.country).toBe('Norway')
  })

  test('an account is deleted after one was asked', async ({ page, closed }) => {
    const who = await newcomer(page, closed, '/app/account')
    await page.getByRole('button', { name: 'Delete your account' }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText(`Delete your account, ${who}?`)
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('button', { name: 'Delete your account' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await loaded(page, 'Sign in')
    await page.getByLabel('Username').fill(who)
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('main').getByRole('alert')).toContainText('Username or password is wrong.')
  })
})
