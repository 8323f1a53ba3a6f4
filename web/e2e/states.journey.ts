import type { BrowserContext } from '@playwright/test'

import { callApi, checkScreen, expect, expectLoaded, fireTimers, holdRequests, type Page, signIn, test } from './fixtures'
import { alertItem, fetchAlert } from './inbox'
import { raiseAlert } from './ledger'

// What the screens say when the server is slow, unreachable, or rejects a request.

test.use({ expectedErrors: /status of (403|404|412|429|503)|ERR_INTERNET_DISCONNECTED|ERR_FAILED/ })

const screens = [
  ['/app/', 'Overview', 'summary'],
  ['/app/alerts', 'Alerts', 'alerts?'],
  ['/app/todos', 'Todos', 'todos?'],
  ['/app/users', 'Users', 'users?'],
  ['/app/users/900002', 'Harry Osei', 'directory/900002'],
  ['/app/storage', 'Storage', 'summary'],
  ['/app/activity', 'Activity', 'changesets?'],
] as const

/** failRequests answers the requests to a path of the API with a problem. */
async function failRequests(page: Page | BrowserContext, path: string, status: number, detail: string) {
  const titles: Record<number, string> = { 403: 'Forbidden', 429: 'Too Many Requests', 503: 'Service Unavailable' }
  await page.route(
    (url) => `${url.pathname}${url.search}`.startsWith(`/api/v1/${path}`),
    (route) =>
      route.fulfill({
        status,
        contentType: 'application/problem+json',
        headers: status === 429 ? { 'Retry-After': '1' } : {},
        body: JSON.stringify({ type: 'about:blank', title: titles[status], status, detail, request_id: 'req-7' }),
      }),
  )
}

test('slow: each screen shows that it loads, and what it loads later', async ({ page, openServer }) => {
  for (const [path, title, request] of screens)
    await test.step(path, async () => {
      const release = await holdRequests(page, (url) => `${url.pathname}${url.search}`.includes(`/api/v1/${request}`))
      await page.goto(openServer.url + path)
      await expect(page.getByRole('main').getByText('Loading…').first()).toBeAttached()
      release()
      await expectLoaded(page, title)
      await page.unrouteAll({ behavior: 'wait' })
    })
})

test('429: each screen says that there were too many requests, and tries again', async ({ page, openServer }) => {
  test.slow() // each request is tried again
  for (const [path, , request] of screens)
    await test.step(path, async () => {
      await failRequests(page, request, 429, 'Too many requests. Try again in 1 second.')
      await page.goto(openServer.url + path)
      const notice = page.getByRole('main').getByRole('alert').filter({ hasText: /Too many requests/i })
      await expect(notice).toContainText('Too many requests', { timeout: 40_000 }) // after the retries
      await expect(notice).not.toContainText('Too Many Requests')
      await page.unrouteAll({ behavior: 'wait' })
      await notice.getByRole('button', { name: 'Try again' }).click()
      await expect(notice).toHaveCount(0)
    })
})

test('403: a screen says which role it needs', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera')
  const notice = page.getByRole('main').getByRole('alert')
  for (const path of ['/app/users', '/app/users/new', '/app/import', '/app/freezers/new'])
    await test.step(path, async () => {
      await page.goto(securedServer.url + path)
      await expect(notice).toContainText('You don’t have access')
      await expect(notice).toContainText(/Ask an admin/)
    })
  await failRequests(page, 'alerts?', 403, 'Requires role operator; you have viewer.')
  await page.goto(`${securedServer.url}/app/alerts`)
  await expect(notice).toContainText('Requires role operator; you have viewer.')
  await checkScreen(page, 'alerts-forbidden')
})

test('404: deleted items say so, and lead back', async ({ page, openServer }) => {
  for (const path of ['/app/users/999999999', '/app/todos/999999999', '/app/alerts?id=00000000-0000-7000-8000-000000000000'])
    await test.step(path, async () => {
      await page.goto(openServer.url + path)
      const notice = page.getByRole('main').getByRole('alert')
      await expect(notice).toContainText('Not found')
      await expect(notice).toContainText('The item may have been deleted, or the link is wrong.')
      await expect(notice.getByRole('link', { name: 'Back to overview' })).toBeVisible()
    })
  await checkScreen(page, 'alert-not-found')
})

test('412: a note on an alert that changed meanwhile is kept in the form', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const { user, id } = await raiseAlert(page)
  await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
  const note = page.getByLabel('Add a note')
  await note.fill('The till retried.')
  await page.route(`**/api/v1/alerts/${id}`, async (route) => {
    // Simulates a version conflict.
    if (route.request().method() === 'PATCH')
      await route.continue({ headers: { ...route.request().headers(), 'if-match': '"77"' } })
    else await route.continue()
  })
  await page.getByRole('button', { name: 'Save note' }).click()
  await expect(page.getByRole('main').getByRole('alert').filter({ hasText: 'Changed by another user' })).toBeVisible()
  await expect(note).toHaveValue('The till retried.')
  await page.unrouteAll({ behavior: 'wait' })
  await page.getByRole('button', { name: 'Save note' }).click()
  await expect(note).toHaveValue('')
  expect((await fetchAlert(page, id)).note).toBe('The till retried.')
})

test('offline: what is loaded stays, and a change is refused with words', async ({
  page,
  context,
  openServer,
}) => {
  await page.goto(`${openServer.url}/app/`)
  const { user, id } = await raiseAlert(page)
  await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
  await expectLoaded(page, 'Alerts')
  await page.getByRole('link', { name: 'Overview' }).first().hover() // loads the code of the screen
  await context.setOffline(true)
  await expect(page.getByText('You are offline. Data may be out of date, and changes cannot be saved.')).toBeVisible()
  await expect(alertItem(page, user)).toBeVisible()
  await page.getByRole('button', { name: 'False positive' }).click()
  await expect(page.getByText('The server cannot be reached. Check your connection. Your input is kept.')).toBeVisible()
  await expect(alertItem(page, user)).toBeVisible()
  await checkScreen(page, 'alerts-offline')
  await context.setOffline(false)
  await expect(page.getByText('You are offline')).toHaveCount(0)
  expect((await fetchAlert(page, id)).state).toBe('open')
})

test('unreachable: a change says that the server cannot be reached, and the alert is as before', async ({
  page,
  openServer,
}) => {
  await page.goto(`${openServer.url}/app/`)
  const { user, id } = await raiseAlert(page)
  await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
  await page.route(`**/api/v1/alerts/${id}`, (route) =>
    route.request().method() === 'PATCH' ? route.abort('failed') : route.continue(),
  )
  await page.getByRole('button', { name: 'False positive' }).click()
  await expect(page.getByText('The server cannot be reached. Check your connection. Your input is kept.')).toBeVisible()
  await expect(alertItem(page, user)).toBeVisible()
  await page.unrouteAll({ behavior: 'wait' })
  await page.getByRole('button', { name: 'False positive' }).click()
  await expect(alertItem(page, user)).toHaveCount(0)
})

test('503: a bulk action that fails says that no alert was changed', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const { user, id } = await raiseAlert(page)
  const second = await raiseAlert(page)
  await page.goto(`${openServer.url}/app/alerts?user_id__in=${user},${second.user}`)
  await page.getByRole('checkbox', { name: 'Select all alerts of this page' }).check()
  await page.route(/\/api\/v1\/alerts\?/, (route) =>
    route.request().method() === 'PATCH'
      ? route.fulfill({
          status: 503,
          contentType: 'application/problem+json',
          body: JSON.stringify({ title: 'x', status: 503, detail: 'The database is not available. Try again.' }),
        })
      : route.continue(),
  )
  await page.getByRole('region', { name: 'Selected alerts' }).getByRole('button', { name: 'Acknowledge' }).click()
  await expect(page.getByText('No alert was changed. The database is not available. Try again.')).toBeVisible()
  await expect(page.getByText('2 selected')).toBeVisible()
  await fireTimers(page, 0)
  expect((await callApi(page, 'GET', `/api/v1/alerts/${id}`)).body.state).toBe('open')
})
