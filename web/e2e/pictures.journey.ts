import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import {
  callApi,
  expect,
  expectLoaded,
  type Page,
  signIn,
  test as base,
  waitForTransitions,
  withServer,
} from './fixtures'
import type { Server } from './server'

// A day in a laboratory, for the pictures of the README. PICTURES=1 puts them into pictures/, which is committed.

const picturesDir = path.join(import.meta.dirname, '..', 'pictures')
const outputDir = process.env.PICTURES ? picturesDir : path.join(import.meta.dirname, 'tmp', 'pictures')

const test = base.extend<object, { labServer: Server }>({
  labServer: [
    async ({}, use) => withServer('lab', 'required', use, { isBig: false }),
    { scope: 'worker', timeout: 120_000 },
  ],
})

test.describe('pictures', () => {
  test.use({ expectedErrors: /status of 400/ }) // the file has errors

  test('of a laboratory with data', async ({ page, labServer }) => {
    test.setTimeout(180_000)
    await signIn(page, labServer, 'ada')
    const { alert, overdueTodo } = await seedLab(page)

    await page.goto(`${labServer.url}/app/`)
    await expectLoaded(page, 'Home')
    await expect(page.getByText(overdueTodo)).toBeVisible()
    await takePicture(page, 'home')
    await page.emulateMedia({ colorScheme: 'dark' })
    await takePicture(page, 'home-dark')
    await page.emulateMedia({ colorScheme: 'light' })

    await page.goto(`${labServer.url}/app/freezers/1`)
    await expectLoaded(page, 'Minus 80 A')
    await expect(page.getByText('Serum, cohort 12')).toBeVisible()
    await takePicture(page, 'freezer')

    await page.goto(`${labServer.url}/app/containers?q=cohort+12&sort=description`)
    await expectLoaded(page, 'Containers')
    await page.getByRole('checkbox', { name: 'Select RNA, cohort 12' }).check()
    await takePicture(page, 'containers')

    await page.goto(`${labServer.url}/app/events?user_id=2`)
    await expectLoaded(page, 'Events')
    await expect(page.getByRole('figure')).toContainText('Balance')
    await takePicture(page, 'events')

    await page.goto(`${labServer.url}/app/alerts/${alert}`)
    await expectLoaded(page, 'Alert for user 2: 123, 300')
    await takePicture(page, 'alert')

    await page.goto(`${labServer.url}/app/rules/1100`)
    await expectLoaded(page, '1100 Large withdrawal')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Limit (medium risk)').fill('150')
    await page.getByRole('button', { name: 'Run preview' }).click()
    await expect(page.getByRole('region', { name: 'Preview on past events' }).getByRole('figure')).toBeVisible()
    await takePicture(page, 'replay', 'Preview on past events')

    await page.goto(`${labServer.url}/app/todos`)
    await expectLoaded(page, 'Todos')
    // The name has replaced the ID.
    await expect(page.getByRole('link', { name: 'Minus 20', exact: true })).toBeVisible()
    await takePicture(page, 'todos')

    await page.goto(`${labServer.url}/app/import?into=containers`)
    await expectLoaded(page, 'Import')
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: /^Choose / }).click()
    await (await chooser).setFiles({ name: 'delivery.csv', mimeType: 'text/csv', buffer: Buffer.from(deliveryCsv) })
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByRole('heading', { name: '2 errors' })).toBeVisible()
    await takePicture(page, 'import', '2 errors')

    await page.setViewportSize({ width: 390, height: 780 })
    await page.goto(`${labServer.url}/app/alerts`)
    await expectLoaded(page, 'Alerts')
    await takePicture(page, 'phone')

    const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8')
    const shownPictures = [...readme.matchAll(/web\/pictures\/([\w-]+\.png)/g)].map(([, name]) => name)
    expect(shownPictures.toSorted(), 'the README shows every picture').toEqual(readdirSync(outputDir).toSorted())
    expect(readdirSync(picturesDir).toSorted()).toEqual(readdirSync(outputDir).toSorted())
  })
})

/** takePicture saves a screenshot of the visible part of the page, scrolled to a heading if one is given. */
async function takePicture(page: Page, name: string, heading?: string) {
  mkdirSync(outputDir, { recursive: true })
  if (heading)
    await page
      .getByRole('heading', { name: heading })
      .evaluate((element) => scrollTo(0, element.getBoundingClientRect().top + scrollY - 90))
  await waitForTransitions(page)
  await page.screenshot({ path: path.join(outputDir, `${name}.png`) })
}

const deliveryCsv = [
  'Description;Freezer;Rack',
  'Serum, cohort 14;1;A1',
  'Plasma, cohort 14;2;A2',
  'Whole blood;21;A3',
  'Buffy coat;one;A4',
  'Saliva;3;B1',
  'DNA, cohort 14;1;B2',
].join('\n')

/** seedLab fills the laboratory. It returns what the pictures must show. */
async function seedLab(page: Page): Promise<{ alert: string; overdueTodo: string }> {
  const store = async (method: string, url: string, body: unknown) => {
    const response = await callApi(page, method, url, body)
    expect(response.status, JSON.stringify(response.body)).toBeLessThan(300)
    return response.body
  }
  const site = (name: string, contact: string, address: string, country: string) => ({
    name,
    contact,
    address,
    state_or_region: null,
    country,
    postcode_or_zip: null,
  })
  await store('PUT', '/api/v1/sites/1', site('Harbour', 'Grace Hopper', '1 Harbour Road', 'Iceland'))
  await store('PUT', '/api/v1/sites/2', site('Hillside', 'Rosalind Franklin', '33 Kings Walk', 'UK'))
  await store('PUT', '/api/v1/sites/3', site('Old Mill', 'Chien-Shiung Wu', '9 Mill Lane', 'Ireland'))
  const freezers = [['Minus 80 A', 1], ['Minus 80 B', 1], ['Minus 150', 2], ['Minus 20', 3]] as const
  for (const [i, [name, siteId]] of freezers.entries())
    await store('PUT', `/api/v1/freezers/${i + 1}`, { name, site_id: siteId })
  const computers = [['Sequencer', 1], ['Plate reader', 2], ['Front desk', 3]] as const
  for (const [i, [name, siteId]] of computers.entries())
    await store('PUT', `/api/v1/computers/${i + 1}`, { name, mac: `08:00:2b:01:02:0${i}`, site_id: siteId })
  for (const [i, content] of ['Serum', 'Plasma', 'Buffy coat', 'DNA', 'RNA', 'Saliva'].entries())
    for (const cohort of [11, 12, 13]) {
      const container = { description: `${content}, cohort ${cohort}`, freezer_id: (i % 3) + 1 }
      await store('POST', '/api/v1/containers', container)
    }

  const day = 86_400
  const now = Math.floor(Date.now() / 1000) - 600
  const events = Array.from({ length: 240 }, (_, i) => ({
    type: (i * 7) % 5 < 3 ? 'deposit' : 'withdraw',
    amount: `${(((i * 37) % 23) + 1) * ((i * 11) % 17 === 0 ? 30 : 4)}.${i % 2 ? '50' : '00'}`,
    user_id: (i % 3) + 1,
    time: now - 13 * day + Math.floor((i * 13 * day) / 240),
  }))
  await store('POST', '/api/v1/events', events)
  await store('PUT', '/api/v1/users/2', {
    username: 'Jane',
    country: 'Germany',
    risk: 'high',
    role: 'viewer',
    disabled: false,
  })
  const last = await store('POST', '/api/v1/events', [
    { type: 'deposit', amount: '45.00', user_id: 2, time: now + 500 },
    { type: 'deposit', amount: '60.00', user_id: 2, time: now + 512 },
  ])
  const alert = last[1].alert_id

  const date = (days: number) => new Date(Date.now() + days * day * 1000).toISOString().slice(0, 10)
  const todo = { assignee: 'ada', due_on: null, site_id: null, freezer_id: null, computer_id: null, alert_id: null }
  const overdueTodo = 'Defrost Minus 20'
  for (const fields of [
    { ...todo, description: overdueTodo, status: 'open', due_on: date(-1), freezer_id: 4 },
    { ...todo, description: 'Ask Jane about her deposits', status: 'open', due_on: date(0), alert_id: alert },
    { ...todo, description: 'Label the new racks', status: 'open', assignee: 'olga', site_id: 2 },
    { ...todo, description: 'Replace the door seal', status: 'doing', due_on: date(3), freezer_id: 2 },
    { ...todo, description: 'Update the plate reader', status: 'doing', assignee: 'vera', computer_id: 2 },
    { ...todo, description: 'Count cohort 12', status: 'done', freezer_id: 1 },
  ])
    await store('POST', '/api/v1/todos', fields)
  return { alert, overdueTodo }
}
