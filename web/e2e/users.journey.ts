import { randomUUID } from 'node:crypto'

import { chips } from './filterForm'
import { openTab } from './detailPage'
import {
  callApi,
  checkScreen,
  deleteRow,
  expect,
  expectLoaded,
  password,
  rowHistory,
  signIn,
  test,
  uniqueName,
  users,
} from './fixtures'
import { registerUser } from './registerUser'

// User management by admins in the app alone: invitations, resets, roles and deactivation. Pages of people.

/** newName returns a name of a person and a username that no other user has. */
function newName() {
  const username = `grace-${randomUUID().slice(0, 8)}`
  return { username, name: `Grace Hopper ${username.slice(6)}` }
}

test('only admins see the list of users', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  await expect(page.getByRole('navigation', { name: 'Main menu' }).getByRole('link', { name: 'Users' })).toHaveCount(0)
  for (const path of ['/app/users', '/app/users/new']) {
    await page.goto(securedServer.url + path)
    await expect(page.getByText('You don’t have access')).toBeVisible()
  }
  await checkScreen(page, 'users-forbidden')
})

test('every user sees the page of a person, without the account', async ({ page, securedServer }) => {
  test.slow() // axe checks five tabs
  await signIn(page, securedServer, 'vera', '/app/users/900002')
  await expectLoaded(page, 'Harry Osei')
  await expect(page.getByRole('tab')).toHaveText([/^Todos/, /^Checked out/, /^Alerts/, /^Events/, /^Activity/, /^Attachments/])
  await expect(page.getByText('technician2@biobank-north.example')).toHaveCount(0)
  await expect(page.getByRole('button', { name: /Edit|Delete|Invite|More actions/ })).toHaveCount(0)
  const main = page.getByRole('main')
  await expect(main.getByRole('table', { name: 'Todos' }).getByRole('row')).not.toHaveCount(1)
  await checkScreen(page, 'person-todos')
  await openTab(page, 'Alerts')
  await expect(page).toHaveURL(/\/users\/900002\?tab=alerts$/)
  await expect(main.getByRole('row').filter({ hasText: 'rising deposits' })).not.toHaveCount(0)
  await checkScreen(page, 'person-alerts')
  await openTab(page, 'Events')
  await expect(main.getByRole('row').filter({ hasText: '142.50' })).not.toHaveCount(0)
  await checkScreen(page, 'person-events')
  await page.reload()
  await expect(page.getByRole('tab', { name: /^Events/ })).toHaveAttribute('aria-selected', 'true')
  await openTab(page, 'Activity')
  await expect(main.getByText('No changes by Harry Osei yet')).toBeVisible()
  await checkScreen(page, 'person-activity')
  await openTab(page, 'Attachments')
  await expect(main.getByText('No attachments from Harry Osei')).toBeVisible()
  await checkScreen(page, 'person-attachments')
})

test('an admin invites a colleague, who chooses a password and signs in', async ({ page, browser, securedServer }) => {
  test.slow()
  const { username, name } = newName()
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: securedServer.url })
  await signIn(page, securedServer, 'ada', '/app/users')
  await expectLoaded(page, 'Users')
  await checkScreen(page, 'users')
  await page.keyboard.press('n')
  await expectLoaded(page, 'Invite a user')
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('E-mail').fill(`${username}@lab.example`)
  await page.getByLabel('Role').selectOption('operator')
  await checkScreen(page, 'user-new')
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, name)
  const dialog = page.getByRole('dialog', { name: `Invitation for ${name}` })
  const link = await dialog.getByLabel('Link').inputValue()
  expect(link).toMatch(new RegExp(`^${securedServer.url}/app/password#`))
  await expect(dialog.getByRole('link', { name: 'Write an e-mail' })).toHaveAttribute(
    'href',
    new RegExp(`^mailto:${username}@lab\\.example\\?subject=Your%20invitation.*${encodeURIComponent(link)}`),
  )
  await checkScreen(page, 'invitation')
  await dialog.getByRole('button', { name: 'Copy link' }).click()
  await expect(page.getByText('Link copied')).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link)
  await page.keyboard.press('Escape')
  const access = page.getByRole('region', { name: 'Sign-in' })
  await expect(access).toContainText('Invited')
  await expect(access).toContainText(/valid until/)
  await page.reload()
  await expectLoaded(page, name)
  await expect(page.getByRole('dialog')).toHaveCount(0)
  expect(await page.content()).not.toContain(link) // it is shown once

  const colleague = await (await browser.newContext()).newPage()
  await colleague.goto(link)
  await expectLoaded(colleague, 'Choose a password')
  await expect(colleague.getByText(`Hello ${name}. Choose a password for your account.`)).toBeVisible()
  await expect(colleague.getByLabel('Username')).toHaveValue(username)
  await checkScreen(colleague, 'password')
  await colleague.getByRole('textbox', { name: 'New password' }).fill(password)
  await colleague.getByRole('button', { name: 'Save and sign in' }).click()
  await expectLoaded(colleague, 'Overview')
  await expect(colleague.getByText(`Welcome, ${name}`)).toBeVisible()
  await expect(colleague.getByRole('button', { name: 'New', exact: true })).toBeVisible()
  expect((await callApi(colleague, 'GET', '/auth/session')).body).toMatchObject({ username, role: 'operator' })
  await colleague.context().close()
  await page.reload()
  await expect(access).toContainText('Can sign in')
  await expect(access).toContainText(/Last sign-in: .*just now/)
})

test('an admin creates, finds, edits, deactivates and deletes a user', async ({ page, securedServer }) => {
  test.slow()
  const { username, name } = newName()
  await signIn(page, securedServer, 'ada', '/app/users')
  await page.getByRole('link', { name: 'Invite a user' }).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Risk level').selectOption('high')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await expectLoaded(page, name)
  await checkScreen(page, 'user')
  await page.goto(`${securedServer.url}/app/users?display_name__contains=${encodeURIComponent(name.toLowerCase())}&risk=high`)
  await expect(chips(page)).toHaveText([/Name contains grace/, /Risk level: high/])
  await page.getByRole('link', { name }).click()
  await expectLoaded(page, name)
  await page.keyboard.press('u')
  await page.getByLabel('Country').fill('Iceland')
  await page.getByLabel('Deactivated').check()
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('dialog', { name: `Deactivate ${name}?` })
  await checkScreen(page, 'user-deactivate')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByLabel('Country')).toHaveValue('Iceland') // the input is kept
  await page.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Deactivate' }).click()
  await expect(page.getByText('Saved')).toBeVisible()
  await expect(page.getByRole('definition').filter({ hasText: 'Yes' })).toBeVisible()
  await expect(rowHistory(page)).toContainText('Deactivated: No → Yes')
  await expect(page.getByRole('region', { name: 'Sign-in' })).toContainText('Deactivated')
  await expect(page.getByRole('button', { name: /invitation|Invite/ })).toBeDisabled()
  await deleteRow(page)
  await expectLoaded(page, 'Users')
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|401|403|404|409|412)/ })

  test('a reset link replaces the password once, and signs the user out everywhere', async ({
    page,
    browser,
    securedServer,
  }) => {
    test.slow()
    const username = await registerUser(page, securedServer, '/app/sites')
    await expectLoaded(page, 'Sites')
    const ada = await (await browser.newContext()).newPage()
    await signIn(ada, securedServer, 'ada', `/app/users?username=${username}`)
    await ada.getByRole('link', { name: username }).click()
    await expectLoaded(ada, username)
    await ada.getByRole('button', { name: 'Reset password' }).click()
    const dialog = ada.getByRole('dialog', { name: `Password reset for ${username}` })
    const firstLink = await dialog.getByLabel('Link').inputValue()
    await ada.keyboard.press('Escape')
    await ada.getByRole('button', { name: 'Reset password' }).click()
    await expect(dialog.getByLabel('Link')).not.toHaveValue(firstLink)
    const link = await dialog.getByLabel('Link').inputValue()
    await ada.keyboard.press('Escape')
    await page.reload()
    await expectLoaded(page, 'Sites') // the old password is valid until the link is used

    const other = await (await browser.newContext()).newPage()
    await other.goto(firstLink)
    await expect(other.getByText('This link is not valid')).toBeVisible() // the second link replaced it
    await checkScreen(other, 'password-invalid')
    await other.goto(link)
    await expect(other.getByText('It signs you out everywhere and revokes your API tokens.')).toBeVisible()
    const field = other.getByRole('textbox', { name: 'New password' })
    await field.fill('password')
    await other.getByRole('button', { name: 'Save and sign in' }).click()
    await expect(field).toHaveAccessibleDescription(/common/)
    await expect(field).toBeFocused()
    await checkScreen(other, 'password-rejected')
    await field.fill('correct horse staple')
    await other.getByRole('button', { name: 'Save and sign in' }).click()
    await expectLoaded(other, 'Overview')
    await expectLoaded(page, 'Sign in') // without a reload
    await other.goto(link)
    await expect(other.getByText('This link is not valid')).toBeVisible() // it was used
    await other.goto(`${securedServer.url}/app/password`)
    await expect(other.getByText('This link is not valid')).toBeVisible()

    await ada.getByRole('button', { name: 'Reset password' }).click()
    const revoked = await dialog.getByLabel('Link').inputValue()
    await ada.keyboard.press('Escape')
    await ada.getByRole('button', { name: 'Revoke link' }).click()
    await expect(ada.getByText('Link revoked')).toBeVisible()
    await expect(ada.getByRole('button', { name: 'Revoke link' })).toHaveCount(0)
    await other.goto(revoked)
    await expect(other.getByText('This link is not valid')).toBeVisible()
    await other.context().close()
    await ada.context().close()
  })

  test('a deactivated user is signed out', async ({ page, browser, securedServer }) => {
    const username = await registerUser(page, securedServer, '/app/sites')
    await expectLoaded(page, 'Sites')
    const ada = await (await browser.newContext()).newPage()
    await signIn(ada, securedServer, 'ada', `/app/users?username=${username}`)
    await ada.getByRole('link', { name: username }).click()
    await ada.getByRole('button', { name: 'Edit' }).click()
    await ada.getByLabel('Deactivated').check()
    await ada.getByRole('button', { name: 'Save' }).click()
    await ada.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click()
    await expect(ada.getByText('Saved')).toBeVisible()
    await expectLoaded(page, 'Sign in') // without a reload
    await ada.context().close()
  })

  test('a username that is taken shows an error at its field', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'ada', '/app/users/new')
    await page.getByLabel('Username').fill(Object.keys(users)[1] as string)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Username')).toHaveAccessibleDescription('Is already used by another account')
    await expect(page.getByLabel('Username')).toBeFocused()
    await page.getByLabel('Username').fill(newName().username)
    await page.getByLabel('E-mail').fill('olga at lab')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('E-mail')).toHaveAccessibleDescription(/e-?mail address/i)
    await expect(page.getByLabel('E-mail')).toBeFocused()
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
    await expect(page.getByRole('alert').filter({ hasText: 'Requires' })).toContainText(
      'Requires role operator; you have viewer.',
    )
    await expect(page.getByLabel('Contact')).toHaveValue('Unsaved contact')
    // The page has the new role.
    await page.getByRole('button', { name: 'More actions' }).click()
    await expect(page.getByRole('menuitem', { name: 'New todo' })).toBeVisible()
    await expect(page.getByRole('menuitem', { name: 'Delete' })).toHaveCount(0)
    await page.keyboard.press('Escape')
    page.once('dialog', (dialog) => void dialog.accept()) // a form may warn before typed text is lost
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

test('the page of a person shows what they did', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { body: directory } = await callApi(page, 'GET', '/api/v1/directory?username=olga')
  const contact = uniqueName('Contact')
  await callApi(page, 'PATCH', '/api/v1/sites/3', { contact })
  await page.goto(`${securedServer.url}/app/users/${directory[0].id}?tab=activity`)
  await expectLoaded(page, 'Olga Berg')
  await expect(page.getByRole('main').getByRole('row').filter({ hasText: contact })).toContainText('Olga Berg')
})
