import type { Request } from '@playwright/test'

import { callApi, checkScreen, expect, expectLoaded, expectNotReloaded, markPage, signIn, test } from './fixtures'
import { typeByHand } from './scanner'
import { expectReconnected, gotoLive } from './stream'

// The frame around the screens: shortcuts, search, live updates, and behaviour without a server.

test('the app works by keyboard alone', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('g')
  await page.keyboard.press('s')
  await expectLoaded(page, 'Sites')
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
  await page.getByRole('link', { name: 'Site 1' }).focus()
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('link', { name: 'Site 2' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Site 2')
  await page.keyboard.press('u')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.press('Tab')
  await typeByHand(page, 'Ada n u ? g s') // shortcuts are inactive in text fields
  await page.keyboard.press('Enter')
  await expect(page.getByRole('definition').filter({ hasText: 'Ada n u ? g s' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Edit' })).toBeFocused()
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('combobox', { name: 'Search' })).toBeFocused()
  await page.keyboard.type('Site 3')
  await expect(page.getByRole('option', { name: 'Site 3', exact: true })).toBeVisible()
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Site 3')
  await page.keyboard.press('?')
  await page.getByRole('switch').press('Space')
  await page.keyboard.press('Escape')
  await page.keyboard.press('u') // single-key shortcuts are off
  await expect(page.getByLabel('Name')).toHaveCount(0)
})

test('new events appear in every tab over one connection', async ({ page, context, openServer }) => {
  const streams: string[] = []
  context.on('request', (request) => request.url().includes('/api/v1/stream') && streams.push(request.url()))
  await gotoLive(page, `${openServer.url}/app/events`)
  const otherPage = await context.newPage()
  await otherPage.goto(`${openServer.url}/app/events`)
  for (const tab of [page, otherPage]) await expectLoaded(tab, 'Events')
  const { body } = await callApi(page, 'POST', '/api/v1/events', {
    type: 'withdraw',
    amount: '7142.50',
    user_id: 41,
    time: 1,
  })
  expect(body.alert_codes).toEqual([1100])
  for (const tab of [page, otherPage]) {
    await expect(tab.getByRole('table', { name: 'Events' })).toContainText('Withdrawal 7142.50')
    await expect(tab.getByRole('banner')).not.toContainText('Reconnecting') // a working connection is not shown
  }
  expect(streams.length).toBe(1)
  await page.close() // the tab with the connection; the other tab takes over
  await callApi(otherPage, 'POST', '/api/v1/events', { type: 'deposit', amount: '3.99', user_id: 41, time: 2 })
  await expect(otherPage.getByRole('table', { name: 'Events' })).toContainText('Deposit 3.99')
})

test.describe('server restart', () => {
  test.use({
    expectedErrors: new RegExp(
      'ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|' +
        'ERR_CONNECTION_RESET|status of 503|The server cannot be reached',
    ),
  })

  test('a save fails while the server is down and succeeds afterwards', async ({ page, securedServer }) => {
    test.setTimeout(120_000)
    const connected = page.waitForResponse(/\/api\/v1\/stream/)
    await signIn(page, securedServer, 'olga', '/app/sites/1')
    await expectLoaded(page, 'Site 1')
    await connected
    await page.getByRole('button', { name: 'Edit' }).click()
    const contact = `After ${Date.now()}`
    await page.getByLabel('Contact').fill(contact)
    await securedServer.stop()
    await expect(page.getByRole('banner')).toContainText('Reconnecting')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('alert')).toContainText('The server cannot be reached')
    await expect(page.getByLabel('Contact')).toHaveValue(contact)
    await securedServer.start()
    await expectReconnected(page)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('definition').filter({ hasText: contact })).toBeVisible()
    await expect(page.getByText('Saved')).toBeVisible()
    expect((await callApi(page, 'GET', '/api/v1/sites/1')).body.contact).toBe(contact)
  })

  test('a screen that failed to load appears after the restart', async ({ page, securedServer }) => {
    test.setTimeout(120_000)
    await signIn(page, securedServer, 'vera', '/app/')
    await expectLoaded(page, 'Overview')
    const loadingScripts = new Set<Request>()
    page.on('request', (request) => request.resourceType() === 'script' && loadingScripts.add(request))
    page.on('requestfinished', (request) => loadingScripts.delete(request))
    const codeLoaded = page.waitForResponse(/SitesScreen\.js$/)
    const menu = page.getByRole('navigation', { name: 'Main menu' })
    await menu.getByRole('link', { name: 'Sites' }).hover()
    await (await codeLoaded).finished()
    await expect.poll(() => loadingScripts.size).toBe(0) // its imports are requested together with it
    await securedServer.stop()
    await menu.getByRole('link', { name: 'Sites' }).click()
    await expect(page.getByText('The server cannot be reached')).toBeVisible({ timeout: 30_000 })
    await securedServer.start()
    await expect(page.getByRole('link', { name: 'Site 1' })).toBeVisible({ timeout: 45_000 })
  })

  test('a screen opened offline shows an error and loads after reconnecting', async ({ page, context, openServer }) => {
    await page.goto(`${openServer.url}/app/sites`)
    await expectLoaded(page, 'Sites')
    const codeLoaded = page.waitForResponse(/SiteScreen\.js$/)
    await page.getByRole('link', { name: 'Site 2' }).hover()
    await (await codeLoaded).finished()
    await context.setOffline(true)
    await expect(page.getByText('You are offline.')).toBeVisible()
    await page.getByRole('link', { name: 'Site 2' }).click()
    await expect(page.getByText('The server cannot be reached')).toBeVisible()
    await checkScreen(page, 'offline')
    await context.setOffline(false)
    await expect(page.getByRole('definition')).toHaveCount(6)
  })
})

test.describe('no connection', () => {
  test.use({ expectedErrors: /ERR_INTERNET_DISCONNECTED|status of (401|500)|The server cannot be reached/ })

  test('a screen whose code is not loaded shows an error and loads after reconnecting', async ({
    page,
    context,
    openServer,
  }) => {
    await page.goto(`${openServer.url}/app/`)
    await expectLoaded(page, 'Overview')
    await markPage(page)
    await context.setOffline(true)
    await page.getByRole('navigation', { name: 'Main menu' }).getByRole('link', { name: 'Rules' }).click()
    await expect(page.getByRole('heading', { level: 1, name: 'Page not loaded' })).toBeVisible()
    await expect(page.getByText('The server cannot be reached')).toBeVisible()
    await checkScreen(page, 'not-loaded')
    await page.keyboard.press('?')
    await expect(page.getByText('Couldn’t load this part of the page.')).toBeVisible()
    await context.setOffline(false)
    await expectLoaded(page, 'Rules')
    await expectNotReloaded(page)
  })

  test('a failed session request leads to the sign-in page', async ({ page, securedServer }) => {
    await page.route('**/auth/session', (route) =>
      route.fulfill({ status: 500, json: { title: 'Internal Server Error', status: 500, detail: 'It failed.' } }),
    )
    await page.goto(`${securedServer.url}/app/sites/1`)
    await expect(page.getByText('You are not signed in')).toBeVisible()
    await page.unroute('**/auth/session')
    await page.getByRole('link', { name: 'Sign in' }).click()
    await expectLoaded(page, 'Sign in')
    await expect(page).toHaveURL(/next=%2Fapp%2Fsites%2F1/)
  })
})
