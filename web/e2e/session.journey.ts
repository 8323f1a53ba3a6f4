import { expect, expectLoaded, menuLink, signIn, test } from './fixtures'

// Sign-in, sign-out, registration and renewal of sessions.

test('sign-in opens the requested page, and sign-out ends the session', async ({ page, securedServer }) => {
  await page.goto(`${securedServer.url}/app/sites?country=USA`)
  await expect(page).toHaveURL(/\/app\/sign-in\?next=/)
  await expectLoaded(page, 'Sign in')
  await signIn(page, securedServer, 'olga', '/app/sites?country=USA')
  await expectLoaded(page, 'Sites')
  await expect(page.getByRole('button', { name: 'Change filter Country: USA' })).toBeVisible()
  const cookies = await page.context().cookies()
  expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual(
    cookies.map(() => ({ httpOnly: true, sameSite: 'Strict' })),
  )
  expect(cookies.length).toBe(2)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expectLoaded(page, 'Sign in')
  await page.goto(`${securedServer.url}/app/sites`)
  await expectLoaded(page, 'Sign in')
})

test('the sign-in page never redirects out of the app', async ({ page, securedServer }) => {
  for (const next of ['https://example.org/', '//example.org/app/', 'javascript:alert(1)', '/docs']) {
    await page.goto(`${securedServer.url}/app/sign-in?next=${encodeURIComponent(next)}`)
    await page.getByLabel('Username').fill('vera')
    await page.getByRole('textbox', { name: 'Password' }).fill('countess of lovelace')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page).toHaveURL(`${securedServer.url}/app/`)
  }
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (401|409)/ })

  test('a wrong password shows an error and keeps the username', async ({ page, securedServer }) => {
    await page.goto(`${securedServer.url}/app/sign-in`)
    await page.getByLabel('Username').fill('olga')
    await page.getByRole('textbox', { name: 'Password' }).fill('not this one')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('alert')).toContainText('Username or password is wrong.')
    await expect(page.getByLabel('Username')).toHaveValue('olga')
    await expect(page.getByRole('textbox', { name: 'Password' })).toBeFocused()
  })

  test('registration rejects a username that is taken and accepts a new one', async ({ page, securedServer }) => {
    await page.goto(`${securedServer.url}/app/register`)
    await page.getByLabel('Username').fill('olga')
    await page.getByRole('textbox', { name: 'Password' }).fill('correct horse staple')
    await page.getByRole('button', { name: 'Create account' }).click()
    await expect(page.getByText('is already used by another account')).toBeVisible()
    await page.getByLabel('Username').fill(`rita ${Date.now()}`)
    await page.getByRole('button', { name: 'Create account' }).click()
    await expectLoaded(page, 'Overview')
    await expect(page.getByText('Welcome, rita')).toBeVisible()
  })

  test('an expired access cookie is renewed once for all requests and tabs', async ({
    page,
    context,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'olga', '/app/sites')
    await expectLoaded(page, 'Sites')
    const otherPage = await context.newPage()
    await otherPage.goto(`${securedServer.url}/app/sites/1`)
    await expectLoaded(otherPage, 'Site 1')
    const renewals: string[] = []
    context.on('request', (request) => request.url().endsWith('/auth/refresh') && renewals.push(request.url()))
    await context.clearCookies({ name: 'labledger_access' })
    await Promise.all([
      menuLink(page, 'Overview').click(),
      menuLink(otherPage, 'Overview').click(),
    ])
    await Promise.all([expectLoaded(page, 'Overview'), expectLoaded(otherPage, 'Overview')])
    await expect(page.getByRole('region', { name: 'Activity' })).toBeVisible()
    await expect.poll(() => renewals.length).toBe(1) // the screen shows what it knows before the response
    const summary = otherPage.waitForResponse((response) => response.url().includes('/summary') && response.ok())
    await otherPage.reload()
    await summary
    expect(renewals.length).toBe(1)
  })

  test('an ended session redirects to the sign-in page and back', async ({ page, context, securedServer }) => {
    await signIn(page, securedServer, 'olga', '/app/sites')
    await expectLoaded(page, 'Sites')
    await context.clearCookies()
    await page.getByRole('link', { name: 'Site 2' }).click()
    await expectLoaded(page, 'Sign in')
    await signIn(page, securedServer, 'olga', new URL(page.url()).searchParams.get('next') ?? '')
    await expectLoaded(page, 'Site 2')
  })
})
