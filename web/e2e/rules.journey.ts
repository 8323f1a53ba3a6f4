import { countClicks, expectClicks } from './clicks'
import {
  callApi,
  checkScreen,
  expect,
  expectLoaded,
  fireTimers,
  holdRequests,
  type Page,
  signIn,
  switchUser,
  test,
} from './fixtures'
import { largeWithdrawal, newUserId, recordEvents } from './ledger'

// Rule changes are previewed on past events before they are saved. Charts show values and zoom.

const replayUrl = '**/api/v1/rules/replay'
const day = 86_400

const preview = (page: Page) => page.getByRole('region', { name: 'Preview on past events' })
const limit = (page: Page) => page.getByLabel('Limit (medium risk)')
const counts = (page: Page) => preview(page).getByText(/ new, .* removed, .* unchanged$/)

/** limitRange limits a preview to the events of some days, so that events of other journeys do not count. */
async function limitRange(page: Page, firstDay: number, lastDay: number) {
  const format = (dayNumber: number) => new Date(dayNumber * day * 1000).toISOString().slice(0, 16)
  await page.getByLabel('Events from').fill(format(firstDay))
  await page.getByLabel('Events before').fill(format(lastDay + 1))
}

const abortedPreview = (page: Page) =>
  page.waitForEvent('requestfailed', {
    predicate: (request) => request.url().endsWith('/replay'),
    timeout: 5_000,
  })

test('leaving the screen warns about unsaved settings and aborts a running preview', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/rules/1100`)
  await expectLoaded(page, 'Large withdrawal')
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.route(replayUrl, () => {}) // never responds
  await limit(page).fill('250')
  await expect(page.getByText('Running preview…')).toBeVisible()
  page.once('dialog', (dialog) => dialog.dismiss())
  await page.getByRole('link', { name: 'Sites' }).click()
  await expect(limit(page)).toHaveValue('250')
  await expect(page.getByText('Running preview…')).toBeVisible()
  const aborted = abortedPreview(page)
  page.once('dialog', (dialog) => dialog.accept())
  await page.getByRole('link', { name: 'Sites' }).click()
  await aborted
  await expectLoaded(page, 'Sites')
})

test('one click and a new limit show its effect, with Save in sight', async ({ page, openServer }) => {
  const users = [newUserId(), newUserId()]
  const alerts = await recordEvents(openServer, [
    ...users.map((user) => largeWithdrawal(user, '142.50', 20_100 * day)),
    ...Array.from({ length: 60 }, (_, i) => largeWithdrawal(newUserId(), '142.50', 20_100 * day + i)),
  ])
  await page.goto(`${openServer.url}/app/rules/1100`)
  await expectLoaded(page, 'Large withdrawal')
  const { status } = await callApi(page, 'PATCH', `/api/v1/alerts/${alerts[0]?.alert_id}`, {
    state: 'closed',
    disposition: 'confirmed',
  })
  expect(status).toBe(200)
  const clicks = await countClicks(page)
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.keyboard.type('1424')
  await expect(page.getByRole('region', { name: 'Settings' }).locator('dd')).toHaveText([
    /^2848\.00/,
    /^1424\.00/,
    /^713\.00/,
  ])
  await expect(counts(page)).toBeVisible()
  expectClicks('9 (preview a limit)', clicks(), 2)
  await expect(preview(page)).toContainText('1 of the removed alerts had been confirmed')

  await limitRange(page, 20_100, 20_100)
  await expect(counts(page)).toHaveText('0 new, 62 removed, 0 unchanged')
  await expect(preview(page)).toContainText('62 people affected')
  await expect(preview(page).getByRole('listitem')).toHaveCount(5)
  await expect(preview(page).getByRole('listitem').first()).toContainText('1 removed')
  await preview(page).getByRole('button', { name: 'and 57 more' }).click()
  await expect(preview(page).getByRole('listitem')).toHaveCount(55)
  await expect(preview(page).getByRole('button', { name: 'and 7 more' })).toBeVisible()
  await expect(preview(page).getByRole('table', { name: 'Differences' })).toHaveCount(0)
  await preview(page).getByText('Show the 62 differences').click()
  await expect(preview(page)).toContainText('The first 50, by person')
  await expect(preview(page).getByRole('table', { name: 'Differences' }).getByRole('row')).toHaveCount(51)
  for (const size of [
    { width: 1280, height: 800 },
    { width: 390, height: 740 },
  ]) {
    await page.setViewportSize(size)
    for (const key of ['Home', 'End']) {
      await page.getByRole('heading', { level: 1 }).focus()
      await page.keyboard.press(key)
      await expect(page.getByRole('button', { name: 'Save' })).toBeInViewport({ ratio: 1 })
    }
  }
})

test('only the latest preview shows, and a preview can be cancelled', async ({ page, openServer }) => {
  await recordEvents(openServer, [
    largeWithdrawal(newUserId(), '150.00', 20_200 * day),
    largeWithdrawal(newUserId(), '250.00', 20_200 * day),
  ])
  await page.goto(`${openServer.url}/app/rules/1100`)
  await expectLoaded(page, 'Large withdrawal')
  await page.getByRole('button', { name: 'Edit' }).click()
  await limitRange(page, 20_200, 20_200)
  const requests: string[] = []
  page.on('request', (request) => request.url().endsWith('/replay') && requests.push(request.postData() ?? ''))

  // Typing aborts the preview of the earlier limit.
  const releaseFirst = await holdRequests(page, replayUrl)
  await limit(page).fill('300')
  await expect.poll(() => requests).toHaveLength(1)
  await page.route(replayUrl, (route) => route.continue()) // later requests are not held
  const aborted = abortedPreview(page)
  await limit(page).pressSequentially('0', { delay: 50 })
  await limit(page).fill('200')
  await aborted
  await expect(counts(page)).toHaveText('0 new, 1 removed, 1 unchanged')
  releaseFirst()
  await expect(page.getByText('Running preview…')).toHaveCount(0)
  await expect(counts(page)).toHaveText('0 new, 1 removed, 1 unchanged')
  expect(requests.map((body) => JSON.parse(body).rules[0].limit)).toEqual(['300', '200']) // 3000 was not sent

  // A cancelled preview shows nothing until it runs again.
  const releaseSecond = await holdRequests(page, replayUrl)
  await limit(page).fill('400')
  await expect(page.getByRole('status').filter({ hasText: 'Running preview…' })).toBeVisible()
  const cancelled = abortedPreview(page)
  await page.getByRole('button', { name: 'Cancel preview' }).click()
  await cancelled
  await expect(preview(page)).toContainText('The preview was cancelled.')
  await expect(counts(page)).toHaveCount(0)
  releaseSecond()
  await preview(page).getByRole('button', { name: 'Run preview' }).click()
  await expect(counts(page)).toHaveText('0 new, 2 removed, 0 unchanged')

  // Without a change there is nothing to preview.
  await limit(page).fill('100.0')
  await expect(preview(page)).toContainText('Change the limit or another setting')
  await limit(page).fill('')
  await expect(preview(page)).toContainText('Enter all numbers')
  await expect(counts(page)).toHaveCount(0)
  await page.getByLabel('Title').fill('Another title')
  await limit(page).fill('100')
  await expect(preview(page)).toContainText('Change the limit or another setting')
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  expect(requests).toHaveLength(4)
})

test('rules show their title, their severity and the limit of each risk level', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/rules`)
  await expectLoaded(page, 'Rules')
  await expect(page.getByRole('row')).toHaveCount(6)
  await expect(page.getByRole('row', { name: /Large withdrawal Rule 1100/ })).toContainText('Critical')
  await checkScreen(page, 'rules')
  await page.getByRole('link', { name: 'Large withdrawal' }).click()
  await expectLoaded(page, 'Large withdrawal')
  await expect(page.getByText('Raises an alert for a single withdrawal of more than 100.00')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('Low risk200.00')
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('SeverityCritical')
  await checkScreen(page, 'rule')
  await page.getByRole('link', { name: 'Alerts of this rule' }).click()
  await expect(page).toHaveURL(/\/alerts\?alert_codes=1100/)
})

test('a new limit is previewed, saved, and applies from the next event', async ({ page, openServer }) => {
  const user = newUserId()
  const [first, second] = [20_000 * day + 10, 20_001 * day + 10]
  await recordEvents(openServer, [
    { type: 'deposit', amount: '500.00', user_id: user, time: first - 10 * day }, // before the range
    { type: 'withdraw', amount: '90.00', user_id: user, time: first },
    { type: 'withdraw', amount: '150.00', user_id: user, time: first + 1000 },
    { type: 'withdraw', amount: '5000.00', user_id: user, time: second },
  ])
  await page.goto(`${openServer.url}/app/rules/1100`)
  await expectLoaded(page, 'Large withdrawal')
  await page.keyboard.press('u')
  await limit(page).fill('200')
  await limitRange(page, 20_000, 20_001)
  // The alerts of rule 30 and of the withdrawal of 5000.00 stay.
  await expect(counts(page)).toHaveText('0 new, 1 removed, 2 unchanged')
  await expect(preview(page)).toContainText('3 events of 1 person. 1 of the unchanged alerts are of other rules.')
  await expect(page.getByText('Limit (medium risk): 100.00 → 200.00')).toBeVisible()
  await preview(page).getByText('Show as table').click()
  await expect(preview(page).getByRole('figure').getByRole('row')).toHaveText([
    'TimeNewUnchangedRemoved',
    '2024-10-05020',
    '2024-10-04001',
  ])
  await expect(preview(page).getByRole('listitem')).toHaveText([new RegExp(`User ${user}.*1 removed`)])
  await preview(page).getByText('Show the difference').click()
  await expect(preview(page).getByRole('table', { name: 'Differences' }).getByRole('row').nth(1)).toContainText(
    `4 Oct 2024, 00:16:50`,
  )
  await checkScreen(page, 'replay')
  expect((await callApi(page, 'GET', '/api/v1/rules/1100')).body.limit).toBe('100.00') // the preview saves nothing

  await limit(page).fill('120')
  await expect(counts(page)).toHaveText('0 new, 0 removed, 3 unchanged')
  await expect(preview(page)).toContainText('No alert would change.')
  await limitRange(page, 20_003, 20_003)
  await expect(preview(page)).toContainText('There are no events in this time range.')
  await page.getByLabel('Severity').selectOption('Warning')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved. Applies from the next event.')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('120.00')
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('SeverityWarning')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Limit (medium risk): 100.00 → 120.00')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Severity: Critical → Warning')
  await expect(page.getByRole('button', { name: 'Edit' })).toBeFocused()
  const [recorded] = await recordEvents(openServer, [
    { type: 'withdraw', amount: '110.00', user_id: newUserId(), time: second },
  ])
  expect(recorded?.alert_codes).toEqual([])
  await page.getByRole('button', { name: 'Edit' }).click()
  await limit(page).fill('100')
  await page.getByLabel('Severity').selectOption('Critical')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('100.00')
  await expect
    .poll(async () => (await callApi(page, 'GET', '/api/v1/rules/1100')).body)
    .toMatchObject({ limit: '100.00', severity: 'critical' })
})

test.describe('charts', () => {
  test.use({ hasTouch: true })

  test('a chart shows the values at the cursor, zooms, and opens an event', async ({ page, openServer }) => {
    const user = newUserId()
    await recordEvents(
      openServer,
      [10, 20, 30, 40, 50].map((amount, i) => ({
        type: 'deposit' as const,
        amount: `${amount}.00`,
        user_id: user,
        time: 20_300 * day + i * 3600,
      })),
    )
    await page.goto(`${openServer.url}/app/events?user_id=${user}`)
    const chart = page.getByRole('figure', { name: /^Balance/ })
    await expect(chart).toBeVisible()
    const plot = chart.locator('.u-over')
    const { width } = (await plot.boundingBox()) ?? { width: 0 }
    const at = (share: number) => ({ x: width * share, y: 40 })
    const tooltip = chart.getByText('Click to open the event').locator('..')
    await plot.tap({ position: at(0.99) })
    await expect(tooltip).toContainText('31 Jul 2025, 04:00:00')
    await fireTimers(page, 300)
    await expect(page).toHaveURL(/\/events\?/) // a tap opens nothing
    await plot.hover({ position: at(0.5) })
    await expect(tooltip).toContainText(/Balance60\.00.*Amount30\.00/)

    await plot.dragTo(plot, { sourcePosition: at(0.4), targetPosition: at(0.9) })
    await expect(chart.getByRole('button', { name: 'Reset zoom' })).toBeVisible()
    await plot.hover({ position: at(0.2) }) // 0.5 of the whole
    await expect(tooltip).toContainText('02:00:00')
    await plot.dblclick({ position: at(0.2) })
    await expect(chart.getByRole('button', { name: 'Reset zoom' })).toHaveCount(0)
    await fireTimers(page, 300)
    await expect(page).toHaveURL(/\/events\?/) // a double click opens nothing

    await plot.dragTo(plot, { sourcePosition: at(0.4), targetPosition: at(0.9) })
    await chart.getByRole('button', { name: 'Reset zoom' }).click()
    await expect(chart.getByRole('button', { name: 'Reset zoom' })).toHaveCount(0)
    await plot.click({ position: at(0.75) })
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Deposit 40.00')
  })
})

test.describe('conflicts and errors', () => {
  test.use({ expectedErrors: /status of (400|403|404|412|503)/ })

  test('server errors appear at the field, and two admins get a conflict instead of overwriting each other', async ({
    page,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'ada', '/app/rules/500')
    await expectLoaded(page, 'Too many events in time window')
    await page.getByRole('button', { name: 'Edit' }).click()
    await expect(page.getByText('Same for all risk levels')).toBeVisible()
    await limit(page).fill('5.5')
    await expect(limit(page)).toHaveAccessibleDescription(/Enter a number from 1 to/)
    await page.getByLabel('Time window (seconds)').fill('a minute')
    await expect(page.getByLabel('Time window (seconds)')).toHaveAccessibleDescription(/Enter a number/)
    await expect(page.getByLabel('Time window (seconds)')).toBeFocused() // a preview does not move the focus
    await expect(preview(page)).toContainText('Correct the marked fields')
    await page.getByLabel('Time window (seconds)').fill('60')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(limit(page)).toHaveAccessibleDescription(/Enter a number from 1 to/)
    await expect(limit(page)).toBeFocused()
    await checkScreen(page, 'rule-rejected')
    // The other admin.
    const { status } = await callApi(page, 'PATCH', '/api/v1/rules/500', { limit: '7', window_seconds: 90 })
    expect(status).toBe(200)
    await limit(page).fill('6')
    await page.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog', { name: 'Another user edited this while you did' })
    await expect(dialog).toContainText('Theirs: 7')
    await expect(dialog).toContainText('They also changed Time window (seconds): 60 → 90')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('region', { name: 'Settings' })).toContainText(/Medium risk6(?!\d|\.)/)
    await expect
      .poll(async () => (await callApi(page, 'GET', '/api/v1/rules/500')).body)
      .toMatchObject({ limit: '6.00', window_seconds: 90 })
    expect((await callApi(page, 'PATCH', '/api/v1/rules/500', { limit: '5', window_seconds: 60 })).status).toBe(200)
  })

  test('an invalid time range and a failed preview show their error in the preview', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/rules/30`)
    await expectLoaded(page, 'Consecutive withdrawals')
    await page.getByRole('button', { name: 'Edit' }).click()
    await limit(page).fill('4')
    await limitRange(page, 20_002, 20_000)
    await expect(page.getByLabel('Events before')).toHaveAccessibleDescription('Must not be less than from')
    await limitRange(page, 20_000, 20_000)
    await expect(counts(page)).toBeVisible()
    await page.route(replayUrl, (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 503, title: 'Busy', detail: 'The server is busy.' }),
      }),
    )
    await limit(page).fill('5')
    await expect(preview(page).getByRole('alert')).toContainText('The server is busy.')
    await expect(counts(page)).toHaveCount(0)
    await page.unroute(replayUrl)
    await preview(page).getByRole('button', { name: 'Run preview' }).click()
    await expect(counts(page)).toBeVisible()
  })

  test('an operator can preview but not save; a viewer can only read', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga', '/app/rules/123')
    await expectLoaded(page, 'Deposit total in time window')
    await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0)
    await page.getByRole('button', { name: 'Preview other settings' }).click()
    await page.getByLabel('Time window (seconds)').fill('3600')
    await expect(counts(page)).toBeVisible()
    await expect(page.getByText('Time window (seconds): 30 → 3600')).toBeVisible()
    for (const label of ['Title', 'Severity']) await expect(page.getByLabel(label)).toHaveCount(0)
    await expect(page.getByRole('button', { name: 'Save' })).toHaveCount(0)
    await page.keyboard.press('Enter') // submits nothing
    await expect(page.getByRole('button', { name: 'Done' })).toBeVisible()
    expect((await callApi(page, 'PATCH', '/api/v1/rules/123', { limit: '1' })).status).toBe(403)
    await switchUser(page, securedServer, 'vera', '/app/rules/123')
    await expectLoaded(page, 'Deposit total in time window')
    for (const name of ['Edit', 'Preview other settings'])
      await expect(page.getByRole('button', { name })).toHaveCount(0)
    await page.keyboard.press('u')
    await expect(preview(page)).toHaveCount(0)
    expect((await callApi(page, 'POST', '/api/v1/rules/replay', {})).status).toBe(403)
    await checkScreen(page, 'rule-viewer')
  })

  test('an unknown rule shows an error', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/rules/77`)
    await expect(page.getByText('Not found', { exact: true })).toBeVisible()
  })
})
