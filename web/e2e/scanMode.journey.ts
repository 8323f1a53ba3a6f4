import {
  callApi,
  checkScreen,
  expect,
  expectLoaded,
  type Page,
  signIn,
  switchUser,
  test,
  uniqueName,
} from './fixtures'
import { scan } from './scanner'

// Scan mode: one scan after the other, also without a network.

interface Thing {
  uuid: string
  name: string
  barcode: string
}

async function newThing(page: Page, fields: object = {}, noun = 'Tube'): Promise<Thing> {
  const name = uniqueName(noun)
  const barcode = name.replaceAll(/\W/g, '')
  const place = 'parent_uuid' in fields ? {} : { freezer_id: 1 }
  const { status, body } = await callApi(page, 'POST', '/api/v1/containers', {
    description: name,
    barcode,
    ...place,
    ...fields,
  })
  expect(status).toBe(201)
  return { uuid: body.uuid, name, barcode }
}

/** card is the outcome of the last scan. */
const card = (page: Page) => page.getByRole('main').getByRole('status').filter({ has: page.getByRole('heading', { level: 2 }) })

const lines = (page: Page) => page.getByRole('region', { name: 'Last scans' }).getByRole('listitem')

const openMode = async (page: Page, name: string) => {
  await page.getByRole('group', { name: 'What a scan does' }).getByRole('button', { name }).click()
}

const fetchEvents = async (page: Page, { uuid }: Thing): Promise<string[]> => {
  const { body } = await callApi(page, 'GET', `/api/v1/events?container_uuid=${uuid}&fields=type`)
  return body.map(({ type }: { type: string }) => type)
}

test('two scans check out and back; a third finds, and codes are barcodes or UUIDs', async ({ page, securedServer }) => {
  test.slow()
  await signIn(page, securedServer, 'olga')
  const tube = await newThing(page)
  await page.getByRole('button', { name: 'Scan' }).first().click()
  await expectLoaded(page, 'Scan')
  await checkScreen(page, 'scan-mode')
  await openMode(page, 'Check out')
  await expect(page.getByText('For Olga Berg, without a due date')).toBeVisible()
  await scan(page, tube.barcode)
  await expect(card(page)).toContainText('Checked out')
  await expect(card(page)).toContainText(tube.name)
  await expect(card(page)).toContainText('Olga Berg')
  await checkScreen(page, 'scan-checked-out')
  await openMode(page, 'Find')
  await scan(page, tube.uuid)
  await expect(card(page)).toContainText(/Checked out.*Olga Berg, just now/)
  await openMode(page, 'Check in')
  await scan(page, tube.uuid.toUpperCase().replaceAll('-', ''))
  await expect(card(page)).toContainText('Checked in')
  await expect(card(page)).toContainText('-20C')
  expect(await fetchEvents(page, tube)).toEqual(['withdraw', 'deposit'])
  // Undo of the check-in checks it out again.
  await lines(page).first().getByRole('button', { name: 'Undo' }).click()
  await expect(lines(page).first()).toContainText(/Undone.*Tube/)
  const { body } = await callApi(page, 'GET', `/api/v1/containers/${tube.uuid}`)
  expect(body).toMatchObject({ status: 'checked_out', holder: 'olga' })
})

test.describe('rejected scans', () => {
  test.use({ expectedErrors: /status of 409/ })
  test('a conflict and an unknown code are named', async ({ page, securedServer }) => {
    test.slow()
    await signIn(page, securedServer, 'olga')
    const tube = await newThing(page)
    await callApi(page, 'POST', '/api/v1/checkouts', { container_uuid: tube.uuid, holder: 'vera' })
    await page.goto(`${securedServer.url}/app/scan?mode=check-out`)
    await expectLoaded(page, 'Scan')
    await scan(page, tube.barcode)
    await expect(card(page)).toContainText(`${tube.name} is checked out by Vera Rubin since`)
    await checkScreen(page, 'scan-conflict')
    const unknown = uniqueName('NEW').replaceAll(/\W/g, '')
    await page.getByLabel('Code').fill(unknown)
    await page.getByRole('button', { name: 'Enter' }).click()
    await expect(card(page)).toContainText('Unknown code')
    await checkScreen(page, 'scan-unknown')
    await page.getByRole('link', { name: `Register ${unknown}` }).click()
    await expectLoaded(page, 'New container')
    await expect(page.getByLabel('Barcode')).toHaveValue(unknown)
  })
})

test('things are moved to a box, and get its free positions', async ({ page, securedServer }) => {
  test.slow()
  await signIn(page, securedServer, 'olga')
  const box = await newThing(page, { kind: 'box', rows: 2, columns: 2, scheme: 'A1' }, 'Box')
  await newThing(page, { parent_uuid: box.uuid, position: 'A1' })
  const [first, second] = [await newThing(page), await newThing(page)]
  await page.goto(`${securedServer.url}/app/scan?mode=move`)
  await expectLoaded(page, 'Scan')
  await scan(page, box.barcode)
  await expect(card(page)).toContainText('Target')
  await scan(page, first.barcode)
  await scan(page, second.barcode)
  await expect(card(page)).toContainText('Moved to B1')
  await expect(lines(page).nth(1)).toContainText('Moved to A2')
  await checkScreen(page, 'scan-moved')
  await page.reload()
  await expect(page.getByText(`Move to ${box.name}`)).toBeVisible() // the target survives
  await scan(page, first.barcode)
  await expect(card(page)).toContainText('Already there')
  await page.getByRole('button', { name: 'Other target' }).click()
  await page.getByLabel('Code').fill('-40C') // too short for a scan
  await page.keyboard.press('Enter')
  await expect(card(page)).toContainText('Target')
  await scan(page, second.barcode)
  await expect(card(page)).toContainText(/Moved.*-40C/)
  await lines(page).first().getByRole('button', { name: 'Undo' }).click()
  await expect(lines(page).first()).toContainText('Undone')
  const { body } = await callApi(page, 'GET', `/api/v1/containers/${second.uuid}`)
  expect(body).toMatchObject({ parent_uuid: box.uuid, position: 'B1' })
})

test.describe('without a network', () => {
  test.use({ expectedErrors: /ERR_(CONNECTION|FAILED|INTERNET)/ })
  test('an outage of 10 s and a reload lose no scan and repeat none', async ({ page, securedServer }) => {
    test.slow()
    await signIn(page, securedServer, 'olga')
    const tubes = [await newThing(page), await newThing(page), await newThing(page)] as const
    await page.goto(`${securedServer.url}/app/scan?mode=check-out`)
    await expectLoaded(page, 'Scan')
    const keys: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/checkouts'))
        keys.push(request.headers()['idempotency-key'] ?? '')
    })
    // The server gets the first check-out, but its response is lost. Then nothing gets through.
    await page.route('**/api/v1/checkouts', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback()
      await route.fetch()
      await page.route('**/api/v1/**', (other) => other.abort('connectionfailed'))
      await route.abort('connectionfailed')
    })
    for (const { barcode } of tubes) await scan(page, barcode)
    await expect(page.getByText('Waiting for the network: 3')).toBeVisible()
    await checkScreen(page, 'scan-waiting')
    await page.reload()
    await expect(page.getByText('Waiting for the network: 3')).toBeVisible()
    await page.waitForTimeout(10_000) // the outage
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await expect(card(page)).toContainText(tubes[2].name)
    await expect(page.getByText('Waiting for the network')).toHaveCount(0)
    await expect(lines(page)).toHaveText(tubes.map(({ name }) => new RegExp(`Checked out.*${name}`)).reverse())
    for (const tube of tubes) expect(await fetchEvents(page, tube)).toEqual(['withdraw'])
    expect(keys.length).toBeGreaterThan(3) // the first was sent more than once,
    expect(new Set(keys).size).toBe(3) // always with the same key
    expect(await page.evaluate(() => Object.keys(localStorage).filter((name) => name.includes('scan-queue')))).toEqual([])
  })

  test('scans that wait are sent from any screen, with a message about those that fail', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const tube = await newThing(page)
    await page.goto(`${securedServer.url}/app/scan?mode=check-in`)
    await expectLoaded(page, 'Scan')
    await page.route('**/api/v1/containers?**', (route) => route.abort('connectionfailed'))
    await scan(page, 'NOWHERE-1')
    await expect(page.getByText('Waiting for the network: 1')).toBeVisible()
    await page.goto(`${securedServer.url}/app/sites`)
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await expect(page.getByText('Unknown code: NOWHERE-1')).toBeVisible()
    expect(await fetchEvents(page, tube)).toEqual([])
  })
})

test('a viewer only finds containers', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const tube = await newThing(page)
  await switchUser(page, securedServer, 'vera', '/app/scan?mode=check-out')
  await expectLoaded(page, 'Scan')
  await expect(page.getByRole('group', { name: 'What a scan does' }).getByRole('button')).toHaveText(['Find'])
  await scan(page, tube.barcode)
  await expect(card(page)).toContainText('In place')
  expect(await fetchEvents(page, tube)).toEqual([])
})
