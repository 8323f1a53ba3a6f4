import { addFilter, chips, filterForm } from './filterForm'
import {
  callApi,
  checkScreen,
  countResponses,
  expect,
  expectLoaded,
  expectNotReloaded,
  markPage,
  type Page,
  test,
  uniqueName,
} from './fixtures'
import { type EventInput, largeWithdrawal, newUserId, recordEvents } from './ledger'
import type { Server } from './server'
import { expectReconnected, gotoLive } from './stream'

// The event feed: events appear live, once and in order, also in large numbers.

const eventRows = (page: Page) =>
  page
    .getByRole('table', { name: 'Events' })
    .getByRole('row')
    .filter({ hasNot: page.getByRole('columnheader') })

async function openEvents(page: Page, server: Server, search = '') {
  await gotoLive(page, `${server.url}/app/events${search}`)
  await expectLoaded(page, 'Events')
}

/** newPerson creates a user and returns the ID and the name. */
async function newPerson(page: Page): Promise<{ id: number; name: string }> {
  const name = uniqueName('Grace')
  const username = name.toLowerCase().replaceAll(' ', '-')
  const { status, body } = await callApi(page, 'POST', '/api/v1/users', { username, display_name: name })
  expect(status).toBe(201)
  return { id: body.id, name }
}

/** addPersonFilter shows only the events of a person, who is found by name. */
async function addPersonFilter(page: Page, name: string) {
  await page.getByRole('button', { name: 'Add filter' }).click()
  const form = filterForm(page)
  await form.getByLabel('Column').selectOption('User')
  const field = form.getByRole('combobox', { name: 'User' })
  await field.fill(name)
  await form.getByRole('option', { name }).click()
  await expect(field).toHaveValue(name)
  await form.getByRole('button', { name: 'Apply' }).click()
}

test('an event and its alert link to each other', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, [
    { type: 'deposit', amount: '20.25', user_id: user, time: 1_700_000_000 },
    largeWithdrawal(user, '150.00', 1_700_000_100),
  ])
  await page.goto(`${openServer.url}/app/events?user_id=${user}`)
  await expectLoaded(page, 'Events')
  await expect(eventRows(page)).toHaveText([/Withdrawal 150\.00/, /Deposit 20\.25/])
  await expect(page.getByRole('figure')).toContainText('Balance')
  await page.getByText('Show as table').click()
  await expect(page.getByRole('figure').getByRole('row')).toContainText(['Balance', '-129.75-150', '20.2520.25'])
  await checkScreen(page, 'events-of-user')
  await page.getByRole('link', { name: 'Withdrawal 150.00' }).click()
  await expectLoaded(page, `Withdrawal 150.00 by User ${user}`)
  await expect(page).toHaveTitle(`Withdrawal 150.00 by User ${user} · Labledger`)
  const evaluation = page.getByRole('table', { name: 'Rule evaluation' })
  await expect(evaluation.getByRole('row', { name: /Large withdrawal/ })).toContainText('Limit reached')
  await expect(evaluation.getByRole('row', { name: /Too many events/ })).toContainText('Within the limit')
  await checkScreen(page, 'event')
  await page.getByRole('link', { name: 'Open alert' }).click()
  await expectLoaded(page, `User ${user}: withdrawal of 150.00, limit 100.00`)
  await page.getByRole('table').getByRole('link', { name: 'Withdrawal' }).click()
  await expectLoaded(page, `Withdrawal 150.00 by User ${user}`)
})

test('filters are stored in the URL and apply to new events', async ({ page, openServer }) => {
  const otherUser = newUserId()
  await openEvents(page, openServer)
  const { id: ownUser, name } = await newPerson(page)
  await addPersonFilter(page, name)
  await expect(page.getByText('No events match these filters')).toBeVisible()
  await addFilter(page, 'Type', 'is any of', { checked: ['Withdrawal'] })
  await addFilter(page, 'Rule', 'includes', { option: 'Large withdrawal (1100)' })
  await addFilter(page, 'Time', 'on or after', { text: '2023-11-14T22:13' })
  await expect(page).toHaveURL(new RegExp(`user_id=${ownUser}&type=withdraw&alert_codes=1100&time__gte=1699999980$`))
  await markPage(page)
  const time = 1_700_000_000
  await recordEvents(openServer, [
    { type: 'deposit', amount: '500.00', user_id: ownUser, time },
    { type: 'withdraw', amount: '1.00', user_id: ownUser, time },
    largeWithdrawal(ownUser, '333.00', time),
    largeWithdrawal(otherUser, '333.00', time),
    largeWithdrawal(ownUser, '444.00', 5), // before the time range
  ])
  await expect(eventRows(page)).toHaveText([/Withdrawal 333\.00/])
  await page.reload()
  await expect(eventRows(page)).toHaveText([/Withdrawal 333\.00/])
  await expect(chips(page)).toHaveText([`User: ${name}`, /Type: Withdrawal/, 'Rule: Large withdrawal (1100)', /Time on or after 14 Nov 2023, 22:13/])
})

test('the list of events has columns, an order and pages; the filters of the log remain', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/events`)
  await expectLoaded(page, 'Events')
  const user = newUserId()
  const events = [3, 1, 2].map((n) => ({ type: 'deposit', amount: `${n}00.50`, user_id: user, time: 1_700_000_000 + n }))
  expect((await callApi(page, 'POST', '/api/v1/events', events)).status).toBe(200)
  await page.goto(`${openServer.url}/app/events?user_id=${user}`)
  await expectLoaded(page, 'Events')
  await page.getByRole('button', { name: 'List', exact: true }).click()
  const rows = page.getByRole('rowheader')
  await expect(rows).toHaveCount(3)
  await page.getByRole('columnheader', { name: 'Amount' }).getByRole('button').click()
  await expect(rows).toHaveText([/100\.50/, /200\.50/, /300\.50/])
  await expect(page).toHaveURL(new RegExp(`user_id=${user}.*sort=amount|sort=amount.*user_id=${user}`))
  await checkScreen(page, 'event-list')
  await rows.first().getByRole('link').click()
  await expectLoaded(page, `Deposit 100.50 by User ${user}`)
})

test('typing into a filter works while events arrive', async ({ page, openServer }) => {
  const otherUser = newUserId()
  await openEvents(page, openServer)
  const { id: ownUser, name } = await newPerson(page)
  await recordEvents(openServer, [largeWithdrawal(ownUser)])
  let keepRecording = true
  const recording = (async () => {
    while (keepRecording)
      await recordEvents(openServer, [{ type: 'deposit', amount: '1.00', user_id: otherUser, time: 1 }])
  })()
  try {
    await expect(eventRows(page).nth(0)).toContainText(String(otherUser))
    await addPersonFilter(page, name)
    await expect(page).toHaveURL(new RegExp(`user_id=${ownUser}$`), { timeout: 3_000 })
  } finally {
    keepRecording = false
    await recording
  }
  await expect(eventRows(page)).toHaveText([/Withdrawal 7142\.50/])
})

test.describe('a chunk that cannot be loaded', () => {
  test.use({ expectedErrors: /ERR_FAILED|dynamically imported module/ })

  test('does not break the screen', async ({ page, openServer }) => {
    const user = newUserId()
    await recordEvents(openServer, [largeWithdrawal(user)])
    await page.route('**/EventChart.js', (route) => route.abort())
    await page.goto(`${openServer.url}/app/events?user_id=${user}`)
    await expectLoaded(page, 'Events')
    await expect(page.getByText('Couldn’t load this part of the page.')).toBeVisible()
    await expect(eventRows(page)).toHaveText([/Withdrawal 7142\.50/])
  })
})

test('new events are only counted while the user has scrolled down', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, makeEvents(user, 80))
  await openEvents(page, openServer, `?user_id=${user}`)
  await page.mouse.wheel(0, 1500)
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(1000)
  const firstVisible = await firstVisibleRow(page)
  await recordEvents(openServer, [largeWithdrawal(user, '7142.51', 1e9), largeWithdrawal(user, '7142.52', 1e9)])
  await expect(page.getByRole('button', { name: 'Show 2 new events' })).toBeVisible()
  await recordEvents(openServer, [largeWithdrawal(user, '7142.53', 1e9)])
  await expect(page.getByRole('button', { name: 'Show 3 new events' })).toBeVisible()
  expect(await firstVisibleRow(page)).toBe(firstVisible)
  await page.getByRole('button', { name: 'Show 3 new events' }).click()
  await expect(eventRows(page).nth(0)).toContainText('7142.53')
  await expect(eventRows(page).nth(2)).toContainText('7142.51')
  await expect(page.getByRole('link', { name: 'Withdrawal 7142.53' })).toBeFocused()
  await expect(page.getByText('All 83 events')).toBeVisible()

  await page.keyboard.press('p')
  await expect(page.getByRole('switch', { name: 'Pause live updates' })).toBeChecked()
  await recordEvents(openServer, [largeWithdrawal(user, '7142.54', 1e9)])
  await expect(page.getByRole('button', { name: 'Show 1 new event' })).toBeVisible()
  await expect(eventRows(page).nth(0)).toContainText('7142.53')
  await checkScreen(page, 'events-paused')
  await page.keyboard.press('p')
  await expect(eventRows(page).nth(0)).toContainText('7142.54')
})

test('events that arrive while older events are loading are not lost', async ({ page, openServer }) => {
  const countLists = countResponses(page, '/api/v1/events?')
  await gotoLive(page, `${openServer.url}/app/events`)
  const { id: user, name } = await newPerson(page)
  await recordEvents(openServer, makeEvents(user, 600))
  await expect.poll(countLists).toBeGreaterThan(1) // lists are fetched again once after the stream opens
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route(new RegExp(`events.*user_id=${user}.*after=`), async (route) => {
    const response = await route.fetch()
    await released
    await route.fulfill({ response })
  })
  const request = page.waitForRequest(new RegExp(`events.*user_id=${user}.*after=`))
  await addPersonFilter(page, name)
  await expect(page.getByRole('figure')).toContainText('Balance since the oldest event shown')
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await request
  await recordEvents(openServer, [largeWithdrawal(user)]) // arrives before the response with the older events
  await expect(page.getByRole('button', { name: 'Show 1 new event' })).toBeVisible()
  release()
  await page.evaluate(() => scrollTo(0, 0))
  await expect(eventRows(page).nth(0)).toContainText('7142.50')
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await expect(page.getByText('All 601 events')).toBeVisible()
  await page.evaluate(() => scrollTo(0, 0))
  await expect(eventRows(page).nth(0)).toContainText('7142.50')
})

test.describe('a server restart', () => {
  test.use({
    expectedErrors:
      /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of 503/,
  })

  test('shows each event once', async ({ page, openServer }) => {
    test.setTimeout(120_000)
    const user = newUserId()
    await openEvents(page, openServer, `?user_id=${user}`)
    await markPage(page)
    await recordEvents(openServer, [largeWithdrawal(user, '7142.01')])
    await expect(eventRows(page)).toHaveText([/7142\.01/])
    await expect(page.getByRole('figure')).toBeVisible() // the chart chunk is loaded
    await openServer.stop()
    await expect(page.getByRole('banner')).toContainText('Reconnecting')
    await expect(eventRows(page)).toHaveCount(1) // loaded events stay visible
    await page.route('**/api/v1/stream', (route) => route.abort('connectionrefused'))
    await openServer.start()
    await recordEvents(openServer, [largeWithdrawal(user, '7142.02'), largeWithdrawal(user, '7142.03')])
    await page.unroute('**/api/v1/stream')
    await expectReconnected(page)
    await recordEvents(openServer, [largeWithdrawal(user, '7142.04')])
    await expect(eventRows(page)).toHaveText([/7142\.04/, /7142\.03/, /7142\.02/, /7142\.01/])
    await expectNotReloaded(page)
  })
})

test.describe('10,000 events', () => {
  const total = 10_000

  test('scroll with far shorter tasks than a control page that renders all rows', async ({
    context,
    browser,
    openServer,
  }) => {
    test.setTimeout(400_000)
    const user = newUserId()
    for (let i = 0; i < total; i += 2000) await recordEvents(openServer, makeEvents(user, 2000, i))
    const measureScroll = async (page: Page, isControl: boolean) => {
      await openEvents(page, openServer, `?user_id=${user}`)
      await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
      const longTaskCount = await scrollThrough(page, total, !isControl)
      const longest = longestTask(await browser.stopTracing())
      console.log(
        `${await eventRows(page).count()} rows in the page: ${longTaskCount} tasks over 50 ms, ` +
          `the longest used ${longest} ms of CPU time`,
      )
      return longest
    }
    const page = await context.newPage()
    const longest = await measureScroll(page, false)
    await expect(page.getByText(`All ${total} events`)).toBeVisible()
    expect(await eventRows(page).count()).toBeLessThan(100)
    await page.close()

    const controlPage = await context.newPage()
    // A window that is high enough to render all rows.
    await controlPage.addInitScript(() => Object.defineProperty(globalThis, 'innerHeight', { value: 1e6 }))
    const controlLongest = await measureScroll(controlPage, true)
    expect(await eventRows(controlPage).count()).toBe(total)
    // A ratio of two CPU times does not depend on the speed of the machine, nor on what else runs on it.
    expect(longest * 4).toBeLessThan(controlLongest)
  })
})

/** longestTask returns the maximum CPU time of a task on the main thread of a page, in ms. */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as {
    traceEvents: { name: string; pid: number; tid: number; tdur?: number; args: { name?: string } }[]
  }
  const mainThreads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  )
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith('RunTask') && mainThreads.has(`${pid}/${tid}`))
  if (tasks.length === 0) throw new Error('the trace has no tasks')
  return Math.round(tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur), 0) / 1000)
}

/** makeEvents returns events that trigger no alert. */
function makeEvents(user_id: number, count: number, from = 0): EventInput[] {
  return Array.from({ length: count }, (_, i) => ({
    type: (from + i) % 2 ? 'withdraw' : 'deposit',
    amount: `${((from + i) % 50) + 1}.00`,
    user_id,
    time: (from + i) * 100,
  }))
}

/** firstVisibleRow returns the text of the first visible row. */
function firstVisibleRow(page: Page): Promise<string | undefined> {
  return page.evaluate(
    () =>
      [...document.querySelectorAll('[role=row]')].find((row) => row.getBoundingClientRect().top > 100)?.textContent ??
      undefined,
  )
}

/**
 * scrollThrough scrolls to the end, which loads all events, and then back to the top if returns is true. It returns the
 * number of tasks over 50 ms.
 */
function scrollThrough(page: Page, total: number, returns: boolean): Promise<number> {
  return page.evaluate(async ([total, returns]) => {
    let longTaskCount = 0
    const observer = new PerformanceObserver((list) => (longTaskCount += list.getEntries().length))
    observer.observe({ type: 'longtask' })
    const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const deadline = Date.now() + 180_000
    const isAtEnd = () =>
      document.body.textContent?.includes(`All ${total} events`) &&
      scrollY + document.documentElement.clientHeight >= document.documentElement.scrollHeight - 2
    while (!isAtEnd()) {
      if (Date.now() > deadline) throw new Error('timeout: the end of the list was not reached')
      scrollBy(0, 3000)
      await nextFrame()
    }
    while (returns && scrollY > 0) {
      scrollBy(0, -3000)
      await nextFrame()
    }
    await nextFrame()
    await nextFrame()
    longTaskCount += observer.takeRecords().length
    observer.disconnect()
    return longTaskCount
  }, [total, returns] as const)
}
