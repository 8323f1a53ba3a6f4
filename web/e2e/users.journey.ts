import { call, expect, loaded, look, people, signIn, test } from './fixtures'
import { newcomer } from './registerUser'

// What admins do with accounts, and what those feel of it.

test('only admins see the users', async ({ page, closed }) => {
  await signIn(page, closed, 'olga')
  await expect(page.getByRole('navigation').getByRole('link', { name: 'Users' })).toHaveCount(0)
  for (const path of ['/app/users', '/app/users/new', '/app/users/1']) {
    await page.goto(closed.url + path)
    await expect(page.getByText('You may not see this')).toBeVisible()
  }
  await look(page, 'users-forbidden')
})

test('a user is created, found, edited, disabled after one was asked, and deleted', async ({ page, closed }) => {
  test.slow()
  const name = `Grace ${Date.now() % 1e8}`
  await signIn(page, closed, 'ada', '/app/users')
  await loaded(page, 'Users')
  await look(page, 'users')
  await page.keyboard.press('n')
  await loaded(page, 'New user')
  await page.getByLabel('Username').fill(name)
  await page.getByLabel('Risk').selectOption('high')
  await look(page, 'user-new')
  await page.getByRole('button', { name: 'Save' }).click()
  await loaded(page, name)
  await look(page, 'user')
  await page.goto(`${closed.url}/app/users?username=${encodeURIComponent(name)}&risk=high`)
  await expect(page.getByLabel('Risk')).toHaveValue('high')
  await page.getByRole('link', { name }).click()
  await loaded(page, name)
  await page.keyboard.press('e')
  await page.getByLabel('Country').fill('Iceland')
  await page.getByLabel('Disabled').check()
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('dialog', { name: `Disable ${name}?` })
  await look(page, 'user-disable')
  await dialog.getByRole('button', { name: 'Leave it' }).click()
  await expect(page.getByLabel('Country')).toHaveValue('Iceland') // what one typed is still there
  await page.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Disable' }).click()
  await expect(page.getByRole('definition').filter({ hasText: 'yes' })).toBeVisible()
  await expect(page.getByText('Saved')).toBeVisible()
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Disabled: false → true')
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await loaded(page, 'Users')
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test.describe('refused', () => {
  test.use({ expected: /status of (400|401|403|409|412)/ })

  test('a name that is taken is said at its field', async ({ page, closed }) => {
    await signIn(page, closed, 'ada', '/app/users/new')
    await page.getByLabel('Username').fill(Object.keys(people)[1] as string)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Username')).toHaveAccessibleDescription(/taken/)
    await expect(page.getByLabel('Username')).toBeFocused()
  })

  test('an admin lowers a role: the open page of the other is refused its next write, and says so', async ({ page, browser, closed }) => {
    const who = await newcomer(page, closed)
    const elsewhere = await browser.newContext()
    const admin = await elsewhere.newPage()
    await signIn(admin, closed, 'ada', `/app/users?username=${who}`)
    const give = async (role: string) => {
      await admin.getByRole('button', { name: 'Edit' }).click()
      await admin.getByLabel('Role').selectOption(role)
      await admin.getByRole('button', { name: 'Save' }).click()
      await expect(admin.getByRole('definition').filter({ hasText: role })).toBeVisible()
      await expect(admin.getByRole('button', { name: 'Edit' })).toHaveAttribute('aria-disabled', 'false')
    }
    await admin.getByRole('link', { name: who }).click()
    await loaded(admin, who)
    await give('operator')
    await page.goto(`${closed.url}/app/sites/2`)
    await loaded(page, 'Site 2')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Contact').fill('Mine alone')
    await give('viewer')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('alert')).toContainText('This needs the role operator; yours is viewer.')
    await expect(page.getByLabel('Contact')).toHaveValue('Mine alone')
    await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0) // the page knows by now
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0)
    expect((await call(page, 'GET', '/api/v1/sites/2')).body.contact).not.toBe('Mine alone')
    await elsewhere.close()
  })

  test('two admins edit one account: nobody loses anything', async ({ page, context, closed }) => {
    await signIn(page, closed, 'ada')
    const name = `Twice ${Date.now() % 1e8}`
    const { body } = await call(page, 'POST', '/api/v1/users', { username: name })
    const other = await context.newPage()
    for (const tab of [page, other]) {
      await tab.goto(`${closed.url}/app/users/${body.id}`)
      await tab.getByRole('button', { name: 'Edit' }).click()
    }
    await page.getByLabel('Risk').selectOption('low')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Saved')).toBeVisible()
    await other.getByLabel('Risk').selectOption('high')
    await other.getByLabel('Country').fill('Norway')
    await other.getByRole('button', { name: 'Save' }).click()
    await expect(other.getByRole('dialog')).toContainText('Theirs: low')
    await other.getByRole('button', { name: 'Save these' }).click()
    await expect(other.getByText('Saved')).toBeVisible()
    expect((await call(page, 'GET', `/api/v1/users/${body.id}`)).body).toMatchObject({ risk: 'high', country: 'Norway', version: 3 })
  })
})
