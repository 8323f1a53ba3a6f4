import { isoDay } from './bigLab'
import { chips } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, menuLink, type Page, signIn, test, uniqueName, withServer } from './fixtures'
import { fetchAlert } from './inbox'
import { largeWithdrawal, newUserId, raiseAlert, raiseAlerts, recordEvents } from './ledger'

// The overview: whether anything is wrong, the work of the user, and what happened, in one request.

const tile = (page: Page, label: string) => page.getByRole('main').getByRole('link', { name: new RegExp(`^${label}`) })
const strip = (page: Page) => page.getByRole('region', { name: 'Needs attention' })

const newTodo = (page: Page, fields: Record<string, unknown>) =>
  callApi(page, 'POST', '/api/v1/todos', {
    description: uniqueName('Defrost'),
    status: 'open',
    assignee: null,
    due_on: null,
    site_id: null,
    freezer_id: null,
    computer_id: null,
    alert_id: null,
    ...fields,
  })

test('one request brings the numbers, and none downloads a list to count it', async ({ page, openServer }) => {
  const paths: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/api/v1/')) paths.push(pathname.replace('/api/v1/', ''))
  })
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  await expect(tile(page, 'Containers')).toContainText(/3,\d{3}/)
  await page.waitForLoadState('load')
  const names = ['directory', 'sites'] // of people, and for the site switch
  expect([...new Set(paths)].filter((path) => !names.includes(path)).toSorted()).toEqual(['stream', 'summary'])
})

test('the tiles show the numbers of the lists that they lead to', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  await newTodo(page, { due_on: isoDay(-3), assignee: 'olga' })
  await raiseAlert(page)
  await page.reload()
  await expectLoaded(page, 'Overview')
  const status = page.getByRole('main').getByRole('status').filter({ hasText: /\d/ })
  for (const [label, path, filters] of [
    ['Overdue todos', '/todos', [/Due date before/, /Status is not done/]],
    ['Open todos', '/todos', [/Status is not done/]],
    ['Containers', '/containers', []],
  ] as const) {
    const number = /[\d,]+/.exec((await tile(page, label).innerText()).replace(label, ''))?.[0] ?? ''
    await tile(page, label).click()
    await expect(page).toHaveURL(new RegExp(`/app${path}`))
    await expect(chips(page)).toHaveText([...filters])
    await expect(status).toContainText(`${number} `)
    await page.goBack()
    await expectLoaded(page, 'Overview')
  }
  const alerts = /[\d,]+/.exec((await tile(page, 'Open alerts').innerText()).replace('Open alerts', ''))?.[0] ?? ''
  await expect(menuLink(page, 'Alerts')).toContainText(alerts)
  await tile(page, 'Open alerts').click()
  await expectLoaded(page, 'Alerts')
  await expect(page.getByRole('main')).toContainText(`All ${alerts}`)
})

test('the strip shows the newest critical alert and leads to all of them', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, id } = await raiseAlert(page, '9142.00')
  await page.reload()
  await expect(strip(page)).toContainText(`User ${user}: withdrawal of 9142.00, limit 100.00`)
  await expect(strip(page)).toContainText(/and [\d,]+ more critical/)
  await checkScreen(page, 'overview')
  await strip(page).getByRole('link', { name: 'Open critical alerts' }).click()
  await expectLoaded(page, 'Alerts')
  await expect(page).toHaveURL(new RegExp(`id=${id}`))
  await expect(chips(page)).toContainText([/Severity: Critical/])
  await expect(page.getByRole('region', { name: 'Chosen alert' })).toContainText(`User ${user}: withdrawal of 9142.00`)
  // An acknowledged alert is still open.
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).click()
  await expect.poll(async () => (await fetchAlert(page, id)).state).toBe('acknowledged')
  await menuLink(page, 'Overview').click()
  await expect(strip(page)).toContainText(`User ${user}:`)
})

test('a new alert appears in the numbers without a reload', async ({ page, openServer }) => {
  const summaries = page.waitForResponse((response) => response.url().includes('/api/v1/summary'))
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  await summaries
  const countOf = async () => Number(/\d[\d,]*/.exec(await tile(page, 'Open alerts').innerText())?.[0].replace(',', ''))
  const before = await countOf()
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user, '8000.00')])
  await expect.poll(countOf).toBe(before + 1)
  await expect(menuLink(page, 'Alerts')).toContainText((before + 1).toLocaleString('en'))
  await expect(strip(page)).toContainText(`User ${user}: withdrawal of 8000.00`)
})

test('my work lists the most urgent todos and alerts of the user', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera')
  const late = (await newTodo(page, { description: uniqueName('Late'), due_on: isoDay(-2), assignee: 'vera' })).body
  const today = (await newTodo(page, { description: uniqueName('Today'), due_on: isoDay(0), assignee: 'vera' })).body
  await page.reload()
  const work = page.getByRole('region', { name: 'My work' })
  await expect(work.getByRole('listitem').filter({ hasText: late.description })).toContainText('overdue')
  await expect(work.getByRole('listitem').filter({ hasText: today.description })).toContainText('today')
  const texts = await work.getByRole('listitem').allInnerTexts()
  const position = (text: string) => texts.findIndex((item) => item.includes(text))
  expect(position(late.description)).toBeLessThan(position(today.description))
  await work.getByRole('link', { name: late.description }).click()
  await expectLoaded(page, late.description)
  await menuLink(page, 'Overview').click()
  const activity = page.getByRole('region', { name: 'Activity' })
  await expect(activity.getByRole('listitem').first()).toContainText(/^Vera Rubin added the todo/)
  await activity.getByRole('link', { name: 'All activity' }).click()
  await expectLoaded(page, 'Activity')
})

test('a card that moves to Done leaves the numbers of the menu', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { body } = await newTodo(page, { due_on: isoDay(-1) })
  await page.goto(`${securedServer.url}/app/todos?q=${encodeURIComponent(body.description)}`)
  const overdue = async () => Number(/(\d+) overdue/.exec(await menuLink(page, 'Todos').innerText())?.[1])
  await expect.poll(overdue).toBeGreaterThan(0)
  const before = await overdue()
  const card = page.getByRole('link', { name: body.description })
  await card.focus()
  await page.keyboard.press('Shift+ArrowRight')
  await expect(page.getByRole('region', { name: /^In progress/ }).getByRole('link')).toBeFocused()
  await page.keyboard.press('Shift+ArrowRight')
  await expect.poll(overdue).toBe(before - 1)
})

test('the strip shows nothing when nothing is wrong', async ({ page }) => {
  test.setTimeout(120_000)
  await withServer(
    'calm',
    'required',
    async (server) => {
      await signIn(page, server, 'olga')
      await expectLoaded(page, 'Overview')
      await expect(strip(page)).toHaveCount(0)
      await expect(tile(page, 'Open alerts')).toContainText('No open alerts')
      await expect(menuLink(page, 'Alerts')).toHaveText('Alerts')
      await expect(page.getByText('Nothing is assigned to you.')).toBeVisible()
      await checkScreen(page, 'overview-calm')
      await raiseAlerts(page, 2) // of the severity info
      await expect(tile(page, 'Open alerts')).toContainText('2')
      await expect(strip(page)).toHaveCount(0)
      const critical = await raiseAlert(page)
      await expect(strip(page)).toContainText(`User ${critical.user}:`)
      await strip(page).getByRole('link', { name: 'Open alert' }).click()
      await page.getByRole('button', { name: 'Snooze…' }).click()
      await page.getByRole('button', { name: '1 hour' }).click()
      await expect(page.getByText('Alert snoozed')).toBeVisible()
      await menuLink(page, 'Overview').click()
      await expect(strip(page)).toHaveCount(0)
      await page.goto('about:blank') // ends the stream
    },
    { lab: 'mock' },
  )
})
