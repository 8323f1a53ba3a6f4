import { randomUUID } from 'node:crypto'

import { boxUuid } from './bigLab'
import { callApi, checkScreen, expect, expectLoaded, type Page, test, uniqueName } from './fixtures'
import { scan, typeByHand } from './scanner'
import { screenPaths } from './screenCoverage'
import type { Server } from './server'

// Barcode scanners: a scan opens the container from every screen and dialog, and no key of it does anything else.

test.use({ expectedErrors: /status of 404/ }) // of codes that are no containers

const box = boxUuid(5) // the second box with this description
const boxTitle = 'Mouse serum, cohort 4'
const otherBox = boxUuid(8)
const shortcutKeys = 'mnpqiuxyjk/?gs7' // also a code

/** recordWrites records the requests of a page that could change something. */
function recordWrites(page: Page): string[] {
  const writes: string[] = []
  page.on('request', (request) => {
    const isDryRun = request.url().includes('dry_run=true')
    if (!['GET', 'HEAD'].includes(request.method()) && !isDryRun) writes.push(`${request.method()} ${request.url()}`)
  })
  return writes
}

async function expectBox(page: Page, uuid = box) {
  await expect(page).toHaveURL(new RegExp(`/app/containers/${uuid}$`))
  if (uuid === box) await expectLoaded(page, boxTitle)
}

async function openBox(page: Page, server: Server, uuid: string) {
  await page.goto(`${server.url}/app/containers/${uuid}`)
  await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible()
}

/** firstAlert returns an open alert of the laboratory. */
async function firstAlert(page: Page, server: Server): Promise<{ id: string; event_id: string }> {
  await page.goto(`${server.url}/app/`)
  const { body } = await callApi(page, 'GET', '/api/v1/alerts?state=open&limit=1')
  return body[0]
}

test('the helper sets the times of the events', async ({ page }) => {
  await page.goto('about:blank')
  await page.evaluate(() => {
    const times: number[] = Object.assign(globalThis, { times: [] }).times
    document.body.addEventListener('keydown', ({ timeStamp }) => times.push(timeStamp))
  })
  await page.waitForFunction(() => performance.now() > 1000) // a page has no earlier events
  await typeByHand(page, 'jjj')
  await expect.poll(() => page.evaluate(() => (globalThis as any).times.length)).toBe(3)
  const times: number[] = await page.evaluate(() => (globalThis as any).times)
  for (const [i, time] of times.entries()) if (i > 0) expect(Math.round(time - (times[i - 1] ?? 0))).toBe(120)
})

const otherPaths = ['/sign-in', '/register', '/password', '/scan'] // scan mode handles scans itself
const scannedPaths = screenPaths().filter((path) => !otherPaths.includes(path))
const groupSize = 8 // one page for several screens, because loading the app takes most of the time
const pathGroups = Array.from({ length: Math.ceil(scannedPaths.length / groupSize) }, (_, i) =>
  scannedPaths.slice(i * groupSize, (i + 1) * groupSize),
)

/** expectScreen waits until a screen that followed the box has loaded. */
async function expectScreen(page: Page, url: string) {
  await expect(page).toHaveURL(url)
  await expect(page.getByRole('heading', { level: 1, name: boxTitle })).toHaveCount(0) // the screen has changed
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0)
}

/** closedStocktake returns a stock-take that takes no scans. It changes no container. */
async function closedStocktake(page: Page): Promise<{ id: number }> {
  const { body } = await callApi(page, 'POST', '/api/v1/stocktakes', { freezer_id: 2 })
  await callApi(page, 'POST', `/api/v1/stocktakes/${body.id}/close`, { missing: 'keep' })
  return body
}

const leaveField = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())

for (const paths of pathGroups)
  test(`a scan opens the container and writes nothing, from ${paths[0]} to ${paths.at(-1)}`, async ({
    page,
    openServer,
  }) => {
    test.setTimeout(120_000)
    const { id: alertId, event_id } = await firstAlert(page, openServer)
    await expectLoaded(page, 'Overview') // it listens for scans
    const stocktake = await closedStocktake(page)
    const samples: Record<string, string | number> = {
      '/sites/$id': 14,
      '/freezers/$id': 107,
      '/freezers/$id/evacuate': 107,
      '/computers/$id': 212,
      '/containers/$uuid': otherBox,
      '/users/$id': 900_012,
      '/stocktakes/$id': stocktake.id,
      '/todos/$id': 2,
      '/events/$id': event_id,
      '/alerts/$id': alertId,
      '/rules/$code': 300,
      '/activity/$id': 1, // the rules of the schema
    }
    const writes = recordWrites(page)
    for (const path of paths)
      await test.step(path, async () => {
        const sample = samples[path]
        if (path.includes('$') && sample === undefined) throw new Error(`samples has no value for ${path}`)
        const url = `${openServer.url}/app${path.replace(/\$\w+/, String(sample))}`
        await leaveField(page) // it may keep the code
        await scan(page, url) // faster than loading the page
        await expectScreen(page, url)
        for (const focus of ['nothing', 'input:not([type=checkbox], [type=file]), select, textarea', 'button, a']) {
          if (focus === 'nothing') await leaveField(page)
          else {
            const element = page.getByRole('main').locator(focus).first()
            if ((await element.count()) === 0 || (await element.getAttribute('data-scan'))) continue // it keeps the code
            await element.focus()
          }
          await scan(page, box)
          await expectBox(page)
          await page.goBack()
          await expectScreen(page, url)
        }
        // A field that keeps the code may have the focus.
        if ((await page.locator('[data-scan]').count()) === 0) {
          await scan(page, shortcutKeys)
          await expect(page.getByText(`No match for ${shortcutKeys}.`)).toBeVisible()
          await expect(page.getByRole('dialog')).toHaveCount(0)
        }
        expect(writes).toEqual([])
      })
  })

test('a scan opens the container from every dialog and form, and discards it', async ({ page, openServer }) => {
  test.slow()
  const { id: alertId } = await firstAlert(page, openServer)
  const writes = recordWrites(page)
  const forms: [path: string, key: string, field: string][] = [
    [`/containers/${otherBox}`, 'u', 'Description'],
    [`/alerts/${alertId}`, 'q', 'Note'],
    [`/alerts/${alertId}`, 'q', 'Undetermined'],
    [`/alerts/${alertId}`, 'i', 'Assignee'],
    ['/sites/14', '/', 'Search'],
    ['/settings', '', 'Prefix'],
    ['/users/900012', 'u', 'E-mail'],
    ['/todos', '', 'Title of a new todo'],
    ['/todos/new', '', 'Title'],
  ]
  for (const [path, key, field] of forms) {
    await page.goto(`${openServer.url}/app${path}`)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0)
    if (key) await page.keyboard.press(key)
    const inputs = field === 'Search' ? page.getByRole('combobox') : page.getByLabel(new RegExp(`^${field}`))
    await inputs.last().focus()
    await scan(page, box)
    await expectBox(page)
    await expect(page.getByRole('dialog')).toHaveCount(0)
    await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible() // not the form of the other container
  }
  // The buttons of these dialogs have the focus.
  const dialogs: [path: string, key: string, button: string][] = [
    [`/alerts/${alertId}`, 'y', 'Continue'],
    [`/alerts/${alertId}`, 'v', 'Continue'],
    [`/alerts/${alertId}`, 'z', '1 hour'],
    ['/alerts', 'y', 'Continue'],
  ]
  for (const [path, key, button] of dialogs) {
    await page.goto(`${openServer.url}/app${path}`)
    await expect(page.getByRole('button', { name: 'Acknowledge', exact: true })).toBeVisible()
    await page.keyboard.press(key)
    await expect(page.getByRole('dialog').getByRole('button', { name: button })).toBeFocused()
    await scan(page, box)
    await expectBox(page)
    await expect(page.getByRole('dialog')).toHaveCount(0)
  }
  expect(writes).toEqual([])
})

test('keys typed by hand are not a scan', async ({ page, openServer }) => {
  await openBox(page, openServer, otherBox)
  await scan(page, box, { interval: 120 })
  await scan(page, box.slice(0, 5))
  await page.keyboard.press('u') // the shortcut works, and the screen is the same
  const field = page.getByLabel('Description')
  await expect(field).toBeFocused()
  await field.fill('')
  await typeByHand(page, box)
  await expect(field).toHaveValue(box)
  await expectBox(page, otherBox)
})

test('a field keeps its value and selection when a scan passes through it', async ({ page, openServer }) => {
  await openBox(page, openServer, box)
  await page.getByRole('button', { name: 'Edit' }).click()
  const description = page.getByLabel('Description')
  await description.evaluate((field: HTMLInputElement) => {
    field.focus()
    field.setSelectionRange(2, 7)
  })
  await scan(page, box) // the current container
  await expect(description).toHaveValue(boxTitle)
  expect(
    await description.evaluate((field: HTMLInputElement) => [field.selectionStart, field.selectionEnd]),
  ).toEqual([2, 7])
  const owner = page.getByRole('combobox', { name: 'Owner' })
  await owner.focus()
  await scan(page, box)
  await expect(owner).toHaveValue('')
  const writes = recordWrites(page)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible()
  expect(writes).toEqual([])
  await page.goto(`${openServer.url}/app/todos/new`)
  await page.getByLabel('Title').fill('Draft')
  await scan(page, `${openServer.url}/app/todos/new`)
  await expect(page.getByLabel('Title')).toHaveValue('Draft')
  page.once('dialog', (dialog) => void dialog.accept()) // the form warns before typed text is lost
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await page.getByRole('searchbox', { name: 'Search sites' }).focus()
  await scan(page, `${openServer.url}/app/sites`)
  await expect(page.getByRole('searchbox', { name: 'Search sites' })).toHaveValue('')
})

test('a scan fills the Barcode field of a new container', async ({ page, openServer }) => {
  const uuid = randomUUID()
  await page.goto(`${openServer.url}/app/containers/new`)
  await page.getByLabel('Barcode').focus()
  await scan(page, `{${uuid.toUpperCase()}}`)
  await expect(page.getByLabel('Barcode')).toHaveValue(uuid)
  await expectLoaded(page, 'New container')
  await expect(page.getByLabel('Barcode')).not.toHaveAttribute('aria-invalid', 'true') // Enter submitted nothing
})

test('codes are read in any notation and keyboard layout', async ({ page, openServer }) => {
  test.slow() // loads eight screens
  for (const [text, layout] of [
    [box, 'german'],
    [`{${box}}`, 'us'],
    [`urn:uuid:${box}`, 'german'],
    [box.toUpperCase(), 'us'],
    [box.replaceAll('-', ''), 'us'],
    [`https://labels.example/${box}`, 'german'],
    [`${openServer.url}/app/containers/${box}`, 'german'],
    [`${openServer.url}/app/containers/${box}`.toUpperCase(), 'us'],
  ] as const) {
    await openBox(page, openServer, otherBox)
    await scan(page, text, { layout })
    await expectBox(page)
  }
  await scan(page, `${openServer.url}/app/sites/14`, { layout: 'german' }) // readable on a US keyboard only
  await expectLoaded(page, 'Biobank North')
})

test('unknown and ambiguous codes are listed', async ({ page, openServer }) => {
  test.slow() // axe checks a hundred rows
  const unknown = randomUUID()
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  await scan(page, unknown)
  await expect(page.getByText(`No container has the barcode ${unknown}.`)).toBeVisible()
  const name = uniqueName('RACK')
  await scan(page, name)
  await expect(page.getByText(`No match for ${name}.`)).toBeVisible()
  await scan(page, 'Minus80-B2')
  await expect(page.getByText('5 matches:')).toBeVisible()
  await expect(page.getByText('Freezer, Biobank North, 117')).toBeVisible() // another one has this name and site
  await checkScreen(page, 'scan-matches')
  await page.goBack()
  await expectLoaded(page, 'Overview') // the codes replaced each other
})

test('a prefix identifies slow scanners', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByRole('link', { name: 'Set up a barcode scanner' }).click()
  await expectLoaded(page, 'Settings')
  await page.getByLabel('Prefix').fill('#')
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await scan(page, box) // without the prefix
  await page.getByRole('searchbox', { name: 'Search sites' }).focus()
  await expect(page).toHaveURL(/\/sites$/)
  await scan(page, `#${box}`, { interval: 120 })
  await expectBox(page)
})

test('further Enter keys of a scanner press no button', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  await page.getByRole('button', { name: 'Scan' }).focus()
  await scan(page, box, { ends: ['Enter', 'Enter'] })
  await expectBox(page)
  await expect(page.getByRole('dialog')).toHaveCount(0)
})

const shownAlerts = (page: Page) => page.getByRole('main').getByRole('listitem').getByRole('checkbox')
const firstCard = (page: Page) => page.getByRole('main').getByRole('listitem').first()

const screensWithKeys: [title: string, path: string, prepare: (page: Page) => Promise<void>][] = [
  ['an alert', '/alerts/$id', async () => {}],
  ['a container', `/containers/${box}`, async () => {}],
  ['a person', '/users/900012', async () => {}],
  ['the chosen alert', '/alerts', async () => {}],
  [
    'selected alerts',
    '/alerts',
    async (page) => {
      if (await page.getByText('3 selected').isVisible()) return
      for (const row of [1, 2, 3]) await shownAlerts(page).nth(row).setChecked(true)
    },
  ],
  ['the link of a todo', '/todos', (page) => firstCard(page).getByRole('link').first().focus()],
  ['the button of a todo', '/todos', (page) => firstCard(page).getByRole('button').first().focus()],
]

for (const [title, path, prepare] of screensWithKeys)
  test(`no single key writes: ${title}`, async ({ page, openServer }) => {
    test.slow() // each key opens something else
    const url = `${openServer.url}/app${path.replace('$id', (await firstAlert(page, openServer)).id)}`
    const writes = recordWrites(page)
    await page.goto(url)
    const dialog = page.locator('[role=dialog]') // CSS, because a search by role takes long in a large table
    let currentKey = ''
    const loadingKeys = new Set<string>()
    page.on('request', (request) => {
      if (request.resourceType() === 'script') loadingKeys.add(currentKey)
    })
    const pressKey = async (key: string) => {
      currentKey = key
      await expect(page.locator('h1')).toBeVisible()
      await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0)
      await prepare(page)
      await page.keyboard.press(key)
      await expect(async () => {
        await page.keyboard.press('Escape') // releases the key, closes a dialog and ends a sequence such as g s
        await expect(dialog).toHaveCount(0, { timeout: 500 })
      }).toPass()
      const cancel = page.getByRole('main').getByRole('button', { name: 'Cancel' })
      if (page.url() !== url) await page.goBack()
      else if (await cancel.isVisible()) await cancel.click()
      await expect(page).toHaveURL(url)
    }
    for (const key of [...'abcdefghijklmnopqrstuvwxyz', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'])
      await pressKey(key)
    // Again, because the code of a dialog may have been loading when the key ended.
    for (const key of loadingKeys) await pressKey(key)
    expect(writes).toEqual([])
  })
