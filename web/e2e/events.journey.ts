import { checkScreen, expect, expectLoaded, type Page, test } from './fixtures'
import { type EventInput, expectNotReloaded, largeWithdrawal, markPage, newUserId, recordEvents } from './ledger'
import type { Server } from './server'

// What arrives is shown as it arrives: once, in order, and also when there is a lot of it.

const eventRows = (page: Page) => page.getByRole('table', { name: 'Events' }).getByRole('row').filter({ hasNot: page.getByRole('columnheader') })

async function openEvents(page: Page, server: Server, search = '') {
  await page.goto(`${server.url}/app/events${search}`)
  await expectLoaded(page, 'Events')
  await expect(page.getByRole('banner')).toContainText('Live')
}

test('an event and its alert link to each other', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, [{ type: 'deposit', amount: '20.25', user_id: user, time: 1_700_000_000 }, largeWithdrawal(user, '150.00', 1_700_000_100)])
  await page.goto(`${openServer.url}/app/events?user_id=${user}`)
  await expectLoaded(page, 'Events')
  await expect(eventRows(page)).toHaveText([/withdraw 150\.00/, /deposit 20\.25/])
  await expect(page.getByRole('figure')).toContainText('Balance')
  await page.getByText('Show as table').click()
  await expect(page.getByRole('figure').getByRole('row')).toContainText(['Balance', '-129.75-150', '20.2520.25'])
  await checkScreen(page, 'events-of-user')
  await page.getByRole('link', { name: 'withdraw 150.00' }).click()
  await expectLoaded(page, `withdraw 150.00 of user ${user}`)
  await expect(page).toHaveTitle(`withdraw 150.00 of user ${user} · Labledger`)
  await expect(page.getByRole('region', { name: 'What the rules measured' })).toContainText('and that is too much')
  await checkScreen(page, 'event')
  await page.getByRole('link', { name: '1100', exact: true }).click()
  await expectLoaded(page, `Alert of user ${user}: 1100`)
})

test('filters are stored in the URL and apply to new events', async ({ page, openServer }) => {
  const [ownUser, otherUser] = [newUserId(), newUserId()]
  await openEvents(page, openServer)
  await page.getByRole('textbox', { name: 'User' }).fill(String(ownUser))
  await expect(page.getByText('No event matches')).toBeVisible()
  await page.getByRole('combobox', { name: 'Type' }).selectOption('Withdraw')
  await page.getByRole('combobox', { name: 'Alert code' }).selectOption('1100 A large withdrawal')
  await page.getByLabel('Happened from').fill('2023-11-14T22:13')
  await expect(page).toHaveURL(new RegExp(`user_id=${ownUser}&type=withdraw&code=1100&from=1699999980$`))
  await markPage(page)
  const time = 1_700_000_000
  await recordEvents(openServer, [
    { type: 'deposit', amount: '500.00', user_id: ownUser, time: time },
    { type: 'withdraw', amount: '1.00', user_id: ownUser, time: time },
    largeWithdrawal(ownUser, '333.00', time),
    largeWithdrawal(otherUser, '333.00', time),
    largeWithdrawal(ownUser, '444.00', 5), // too early
  ])
  await expect(eventRows(page)).toHaveText([/withdraw 333\.00/])
  await page.reload()
  await expect(eventRows(page)).toHaveText([/withdraw 333\.00/])
  await expect(page.getByLabel('Happened from')).toHaveValue('2023-11-14T22:13')
})

test('a filter is applied while events keep arriving', async ({ page, openServer }) => {
  const [ownUser, otherUser] = [newUserId(), newUserId()]
  await recordEvents(openServer, [largeWithdrawal(ownUser)])
  await openEvents(page, openServer)
  let keepRecording = true
  const recording = (async () => {
    while (keepRecording) await recordEvents(openServer, [{ type: 'deposit', amount: '1.00', user_id: otherUser, time: 1 }])
  })()
  try {
    await expect(eventRows(page).nth(0)).toContainText(String(otherUser))
    await page.getByRole('textbox', { name: 'User' }).fill(String(ownUser))
    await expect(page).toHaveURL(new RegExp(`user_id=${ownUser}$`), { timeout: 3_000 })
  } finally {
    keepRecording = false
    await recording
  }
  await expect(eventRows(page)).toHaveText([/withdraw 7142\.50/])
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
    await expect(eventRows(page)).toHaveText([/withdraw 7142\.50/])
  })
})

test('a scrolled list counts new events without moving', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, makeEvents(user, 80))
  await openEvents(page, openServer, `?user_id=${user}`)
  await page.mouse.wheel(0, 1500)
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(1000)
  const firstVisible = await firstVisibleRow(page)
  await recordEvents(openServer, [largeWithdrawal(user, '7142.51', 1e9), largeWithdrawal(user, '7142.52', 1e9)])
  await expect(page.getByRole('button', { name: '2 new' })).toBeVisible()
  await recordEvents(openServer, [largeWithdrawal(user, '7142.53', 1e9)])
  await expect(page.getByRole('button', { name: '3 new' })).toBeVisible()
  expect(await firstVisibleRow(page)).toBe(firstVisible)
  await page.getByRole('button', { name: '3 new' }).click()
  await expect(eventRows(page).nth(0)).toContainText('7142.53')
  await expect(eventRows(page).nth(2)).toContainText('7142.51')
  await expect(page.getByRole('link', { name: 'withdraw 7142.53' })).toBeFocused()
  await expect(page.getByText('All 83 events')).toBeVisible()

  await page.keyboard.press('p')
  await expect(page.getByRole('switch', { name: 'Pause' })).toBeChecked()
  await recordEvents(openServer, [largeWithdrawal(user, '7142.54', 1e9)])
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible()
  await expect(eventRows(page).nth(0)).toContainText('7142.53')
  await checkScreen(page, 'events-paused')
  await page.keyboard.press('p')
  await expect(eventRows(page).nth(0)).toContainText('7142.54')
})

test('events that arrive while older ones load are in the list', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, makeEvents(user, 600))
  await page.goto(`${openServer.url}/app/`)
  await expect(page.getByRole('banner')).toContainText('Live')
  await page.waitForTimeout(1500) // what was read before the stream began is read anew once
  await page.getByRole('link', { name: 'Events' }).click()
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route(new RegExp(`events.*user_id=${user}.*after=`), async (route) => {
    const response = await route.fetch()
    await released
    await route.fulfill({ response })
  })
  const request = page.waitForRequest(new RegExp(`events.*user_id=${user}.*after=`))
  await page.getByRole('textbox', { name: 'User' }).fill(String(user))
  await expect(page.getByRole('figure')).toContainText('Balance since the oldest event shown')
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await request
  await recordEvents(openServer, [largeWithdrawal(user)]) // heard before the older ones are there
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible()
  release()
  await page.evaluate(() => scrollTo(0, 0))
  await expect(eventRows(page).nth(0)).toContainText('7142.50')
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
  await expect(page.getByText('All 601 events')).toBeVisible()
  await page.evaluate(() => scrollTo(0, 0))
  await page.waitForTimeout(500)
  await expect(eventRows(page).nth(0)).toContainText('7142.50')
})

test.describe('a server restart', () => {
  test.use({ expectedErrors: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of 503/ })

  test('shows each event once', async ({ page, openServer }) => {
    test.setTimeout(120_000)
    const user = newUserId()
    await openEvents(page, openServer, `?user_id=${user}`)
    await markPage(page)
    await recordEvents(openServer, [largeWithdrawal(user, '7142.01')])
    await expect(eventRows(page)).toHaveText([/7142\.01/])
    await expect(page.getByRole('figure')).toBeVisible() // all of the page is there
    await openServer.stop()
    await expect(page.getByRole('banner')).toContainText('Delayed')
    await expect(eventRows(page)).toHaveCount(1) // what was read stays
    await page.route('**/api/v1/stream', (route) => route.abort('connectionrefused'))
    await openServer.start()
    await recordEvents(openServer, [largeWithdrawal(user, '7142.02'), largeWithdrawal(user, '7142.03')])
    await page.unroute('**/api/v1/stream')
    await expect(page.getByRole('banner')).toContainText('Live', { timeout: 60_000 })
    await recordEvents(openServer, [largeWithdrawal(user, '7142.04')])
    await expect(eventRows(page)).toHaveText([/7142\.04/, /7142\.03/, /7142\.02/, /7142\.01/])
    await expectNotReloaded(page)
  })
})

test.describe('ten thousand events', () => {
  test.describe.configure({ retries: 2 }) // a busy machine's caches cost the page its time, too
  const total = 10_000

  test('scroll without long tasks, unlike a list that is not virtualized', async ({ context, browser, openServer }) => {
    test.setTimeout(400_000)
    const user = newUserId()
    for (let i = 0; i < total; i += 2000) await recordEvents(openServer, makeEvents(user, 2000, i))
    const measureScroll = async (page: Page) => {
      await openEvents(page, openServer, `?user_id=${user}`)
      await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
      const longTasks = await scrollThrough(page, total)
      const longest = longestTask(await browser.stopTracing())
      console.log(`${await eventRows(page).count()} rows in the page: ${longTasks.length} tasks took longer than 50 ms, the longest had the processor for ${longest} ms`)
      return { longTasks, longest }
    }
    const page = await context.newPage()
    const { longTasks, longest } = await measureScroll(page)
    // Where other programs want the processor as well a task takes long because it waits for it. That is no fault of the page.
    if (longTasks.length > 0) expect(longest).toBeLessThanOrEqual(50)
    await expect(page.getByText(`All ${total} events`)).toBeVisible()
    expect(await eventRows(page).count()).toBeLessThan(100)
    await page.close()

    const controlPage = await context.newPage()
    await controlPage.addInitScript(() => Object.defineProperty(globalThis, 'innerHeight', { value: 1e6 })) // a window so high that all are in sight
    const controlResult = await measureScroll(controlPage)
    expect(await eventRows(controlPage).count()).toBe(total)
    expect(controlResult.longTasks.length).toBeGreaterThan(0)
    expect(controlResult.longest).toBeGreaterThan(50)
  })
})

/** longestTask is how long a task of a page's main thread had the processor, at most, in ms. */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: { name: string; pid: number; tid: number; tdur?: number; args: { name?: string } }[] }
  const mainThreads = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid}/${tid}`))
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith('RunTask') && mainThreads.has(`${pid}/${tid}`))
  if (tasks.length === 0) throw new Error('the trace has no tasks')
  return Math.round(tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur), 0) / 1000)
}

/** makeEvents are events that raise no alert. */
function makeEvents(user_id: number, count: number, from = 0): EventInput[] {
  return Array.from({ length: count }, (_, i) => ({ type: (from + i) % 2 ? 'withdraw' : 'deposit', amount: `${((from + i) % 50) + 1}.00`, user_id, time: (from + i) * 100 }))
}

/** firstVisibleRow is the first link of a row that one can see. */
function firstVisibleRow(page: Page): Promise<string | undefined> {
  return page.evaluate(() => [...document.querySelectorAll('[role=row]')].find((row) => row.getBoundingClientRect().top > 100)?.textContent ?? undefined)
}

/** scrollThrough scrolls to the end, past all that is fetched on the way, and up again. It answers how long each long task took, in ms. */
function scrollThrough(page: Page, total: number): Promise<number[]> {
  return page.evaluate(async (total) => {
    const tasks: number[] = []
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
    observer.observe({ type: 'longtask' })
    const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const deadline = Date.now() + 180_000
    const isAtEnd = () => document.body.textContent?.includes(`All ${total} events`) && scrollY + document.documentElement.clientHeight >= document.documentElement.scrollHeight - 2
    while (!isAtEnd()) {
      if (Date.now() > deadline) throw new Error('the end does not come')
      scrollBy(0, 3000)
      await nextFrame()
    }
    while (scrollY > 0) {
      scrollBy(0, -3000)
      await nextFrame()
    }
    await nextFrame()
    await new Promise((resolve) => setTimeout(resolve, 200))
    observer.disconnect()
    return tasks
  }, total)
}
