import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { callApi, expect, type Page, signIn, test as base, waitForTransitions, withServer } from './fixtures'
import { screenPaths } from './screenCoverage'
import { scan } from './scanner'
import type { Server } from './server'

// The pictures of docs/screens.md and the README, with the laboratory of seed --demo. PICTURES=1 puts them into
// pictures/, which is committed.

const picturesDir = path.join(import.meta.dirname, '..', 'pictures')
const outputDir = process.env.PICTURES ? picturesDir : path.join(import.meta.dirname, 'tmp', 'pictures')

const test = base.extend<object, { labServer: Server }>({
  labServer: [
    async ({}, use) => withServer('lab', 'required', use, { lab: 'demo' }),
    { scope: 'worker', timeout: 120_000 },
  ],
})

interface Picture {
  /** The file is called after it. */
  name: string
  /** Route in src/routes.tsx; the words in its place are those of the laboratory. */
  route: string
  params?: string
  search?: string
  scheme?: 'light' | 'dark'
  isPhone?: boolean
  prepare?: (page: Page) => Promise<void>
}

const editLimit = async (page: Page) => {
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.getByLabel('Limit (medium risk)').fill('150')
  await expect(page.getByRole('region', { name: 'Preview on past events' }).getByRole('figure')).toBeVisible()
}

const chooseDelivery = async (page: Page) => {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: /^Choose / }).click()
  await (await chooser).setFiles({ name: 'delivery.csv', mimeType: 'text/csv', buffer: Buffer.from(deliveryCsv) })
  await page.getByRole('button', { name: 'Check' }).click()
  await expect(page.getByRole('region', { name: 'Errors' }).getByText('2 errors')).toBeVisible()
}

const deliveryCsv = [
  'Description;Freezer;Rack',
  'Mouse serum, cohort 25, box 1;101;A1',
  'Mouse serum, cohort 25, box 2;102;A2',
  'Human plasma, cohort 25, box 1;921;A3',
  'Buffy coat, cohort 25, box 1;one;A4',
  'Saliva, cohort 25, box 1;103;B1',
].join('\n')

const search = async (page: Page) => {
  await page.keyboard.press('Control+k')
  await page.keyboard.type('mouse serum')
  await expect(page.getByRole('dialog').getByText(/Mouse serum/i).first()).toBeVisible()
}

const openBox = async (page: Page) => {
  const { body } = await callApi(page, 'GET', '/api/v1/occupancy?freezer_id=107&positions=81&sort=-taken&limit=1')
  const tubes = await callApi(page, 'GET', `/api/v1/containers?parent_uuid=${body[0].container_uuid}&limit=1`)
  await page.goto(`${page.url()}?container=${tubes.body[0].uuid}`)
  await expect(page.getByRole('region', { name: 'Chosen container' })).toContainText('Barcode')
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
}

const scanTube = async (page: Page) => {
  const { body } = await callApi(page, 'GET', '/api/v1/containers?freezer_id=107&kind=tube&status=stored&limit=1')
  await scan(page, body[0].barcode ?? body[0].uuid)
  await expect(page.getByRole('main').getByRole('heading', { name: 'Checked out' })).toBeVisible()
}

const showLabels = async (page: Page) => {
  await page.getByRole('button', { name: 'Print label' }).click()
  await expect(page.getByRole('dialog').getByRole('img').first()).toBeVisible()
}

const waitForChart = (page: Page) => expect(page.locator('figure canvas')).toBeVisible()

const pictures: Picture[] = [
  { name: 'overview', route: '/' },
  { name: 'overview-dark', route: '/', scheme: 'dark' },
  { name: 'search', route: '/', prepare: search },
  { name: 'scan', route: '/scan', search: '?mode=check-out', isPhone: true, prepare: scanTube },
  { name: 'checkouts', route: '/checkouts' },
  { name: 'alerts', route: '/alerts', prepare: waitForChart },
  { name: 'alerts-dark', route: '/alerts', scheme: 'dark', prepare: waitForChart },
  { name: 'alert', route: '/alerts/$id', params: 'alert', prepare: waitForChart },
  { name: 'todos', route: '/todos' },
  { name: 'todo', route: '/todos/$id', params: 'todo' },
  { name: 'new-todo', route: '/todos/new' },
  { name: 'containers', route: '/containers', search: '?q=plasma+box&sort=description' },
  { name: 'container', route: '/containers/$uuid', params: 'container' },
  { name: 'labels', route: '/containers/$uuid', params: 'box', prepare: showLabels },
  { name: 'box', route: '/containers/$uuid', params: 'box' },
  { name: 'new-container', route: '/containers/new' },
  { name: 'add-containers', route: '/containers/add', search: '?freezer_id=107' },
  { name: 'storage', route: '/storage' },
  { name: 'freezer', route: '/freezers/$id', params: '107', prepare: openBox },
  { name: 'evacuate', route: '/freezers/$id/evacuate', params: '107' },
  { name: 'stocktakes', route: '/stocktakes' },
  { name: 'stocktake', route: '/stocktakes/$id', params: 'stocktake' },
  { name: 'new-freezer', route: '/freezers/new' },
  { name: 'add-freezers', route: '/freezers/add' },
  { name: 'instruments', route: '/instruments' },
  { name: 'computer', route: '/computers/$id', params: '212' },
  { name: 'new-computer', route: '/computers/new' },
  { name: 'sites', route: '/sites' },
  { name: 'site', route: '/sites/$id', params: '12' },
  { name: 'new-site', route: '/sites/new' },
  { name: 'events', route: '/events', search: '?user_id=900002', prepare: waitForChart },
  { name: 'event', route: '/events/$id', params: 'event' },
  { name: 'rules', route: '/rules' },
  { name: 'rule', route: '/rules/$code', params: '1100', prepare: editLimit },
  { name: 'activity', route: '/activity' },
  { name: 'change-set', route: '/activity/$id', params: 'changeset' },
  { name: 'import', route: '/import', search: '?into=containers', prepare: chooseDelivery },
  { name: 'users', route: '/users' },
  { name: 'user', route: '/users/$id', params: '900002' },
  { name: 'new-user', route: '/users/new' },
  { name: 'settings', route: '/settings' },
  { name: 'account', route: '/account' },
  { name: 'phone-overview', route: '/', isPhone: true },
  { name: 'phone-alerts', route: '/alerts', isPhone: true },
  { name: 'phone-containers', route: '/containers', isPhone: true },
]

const signedOutPictures: Picture[] = [
  { name: 'sign-in', route: '/sign-in' },
  { name: 'register', route: '/register' },
  { name: 'password', route: '/password', params: 'link' },
]

test.describe('pictures', () => {
  test.use({ expectedErrors: /status of 400/ }) // the file that is imported has errors

  test('of every screen', async ({ page, labServer }) => {
    test.setTimeout(300_000)
    mkdirSync(outputDir, { recursive: true })
    await signIn(page, labServer, 'ada')
    const ids = await findIds(page)
    for (const picture of pictures) await takePicture(page, labServer, picture, ids)
    await page.context().clearCookies()
    for (const picture of signedOutPictures) await takePicture(page, labServer, picture, ids)

    const taken = new Set([...pictures, ...signedOutPictures].map(({ route }) => route))
    expect(screenPaths().filter((route) => !taken.has(route)), 'screens without a picture').toEqual([])
    const names = readdirSync(outputDir).toSorted()
    expect(picturesIn('docs/screens.md'), 'docs/screens.md shows every picture').toEqual(names)
    expect(names, 'the README shows pictures that exist').toEqual(expect.arrayContaining(picturesIn('README.md')))
    expect(readdirSync(picturesDir).toSorted(), 'PICTURES=1 has stored every picture').toEqual(names)
  })
})

/** findIds returns the path parameters that the laboratory determines only when it is stored. */
async function findIds(page: Page): Promise<Record<string, string>> {
  const first = async (path: string) => (await callApi(page, 'GET', `/api/v1/${path}`)).body[0]
  const alert = await first('alerts?user_id=900002&sort=-created_at&limit=1')
  const event = await first(`events?alert_id=${alert.id}&limit=1`)
  const todo = await first('todos?freezer_id__empty=false&due_on__empty=false&limit=1')
  const container = await first('containers?freezer_id=107&status=checked_out&limit=1')
  const fullest = await first('occupancy?freezer_id=107&positions=81&sort=-taken&limit=1')
  const box = await first(`containers?uuid=${fullest.container_uuid}`)
  const stocktake = await countBox(page, box)
  const changeset = await first('changesets?noun=container&sort=-id&limit=1')
  const link = await callApi(page, 'POST', '/api/v1/users/900003/password-link')
  return {
    alert: alert.id,
    event: event.id,
    todo: String(todo.id),
    container: container.uuid,
    box: box.uuid,
    stocktake,
    changeset: String(changeset.id),
    link: link.body.token,
  }
}

/** countBox starts a stock-take of a box and scans most of what lies in it, something else and an unknown code. */
async function countBox(page: Page, { uuid }: { uuid: string }): Promise<string> {
  const stocktake = (await callApi(page, 'POST', '/api/v1/stocktakes', { container_uuid: uuid })).body
  const inside = (await callApi(page, 'GET', `/api/v1/containers?parent_uuid=${uuid}&sort=position_row,position_column`)).body
  const stray = (await callApi(page, 'GET', '/api/v1/containers?freezer_id=108&kind=tube&limit=1')).body
  const codes = [...inside.slice(3), ...stray].map(({ barcode, uuid: own }) => barcode ?? own)
  for (const code of [...codes, 'LL-?04'])
    await callApi(page, 'POST', `/api/v1/stocktakes/${stocktake.id}/scans`, { code, parent: uuid })
  await callApi(page, 'POST', '/api/v1/stocktakes', { freezer_id: 112, note: 'Yearly count' })
  return String(stocktake.id)
}

/** takePicture saves a screenshot of the visible part of a screen. */
async function takePicture(page: Page, server: Server, picture: Picture, ids: Record<string, string>) {
  const { name, route, params = '', search: query = '', scheme = 'light', isPhone = false, prepare } = picture
  await page.setViewportSize(isPhone ? { width: 390, height: 844 } : { width: 1280, height: 900 })
  await page.emulateMedia({ colorScheme: scheme })
  const value = ids[params] ?? params
  const fragment = route === '/password' ? `#${value}` : ''
  await page.goto('about:blank') // a new document, even if only the fragment differs
  await page.goto(`${server.url}/app${route.replace(/\$\w+/, value)}${query}${fragment}`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
  await prepare?.(page)
  await page.mouse.move(0, 0)
  await waitForTransitions(page)
  await page.screenshot({ path: path.join(outputDir, `${name}.png`) })
}

/** picturesIn returns the names of the pictures that a document shows, each once. */
function picturesIn(document: string): string[] {
  const text = readFileSync(path.join(import.meta.dirname, '..', '..', document), 'utf8')
  return [...new Set([...text.matchAll(/web\/pictures\/([\w-]+\.png)/g)].map(([, name]) => name ?? ''))].toSorted()
}
