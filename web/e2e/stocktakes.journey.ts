import { countClicks, expectClicks } from './clicks'
import { callApi, checkScreen, expect, expectLoaded, menuLink, type Page, signIn, test, uniqueName } from './fixtures'
import { scan } from './scanner'
import { addContainer, addFreezer } from './storageLab'

// Stock-takes: scanning what is in a freezer, the report, and what closing changes.

interface CountedLab {
  freezer: number
  name: string
  /** Begins all barcodes. */
  code: string
  boxes: string[]
}

/** addCountedLab adds a freezer with two boxes of 15 tubes each; their barcodes end in A, B and 1 to 30. */
async function addCountedLab(page: Page): Promise<CountedLab> {
  const name = uniqueName('Counted')
  const code = name.replaceAll(/\W/g, '')
  const freezer = await addFreezer(page, name)
  const boxes: string[] = []
  for (const letter of ['A', 'B'])
    boxes.push(
      await addContainer(page, {
        description: `Box ${letter} of ${code}`,
        barcode: `${code}-${letter}`,
        kind: 'box',
        freezer_id: freezer,
        rows: 4,
        columns: 5,
      }),
    )
  const tubes = Array.from({ length: 30 }, (_, i) => ({
    description: `Tube ${i + 1} of ${code}`,
    barcode: `${code}-${i + 1}`,
    kind: 'tube',
    parent_uuid: boxes[Math.floor(i / 15)],
  }))
  const { status } = await callApi(page, 'POST', '/api/v1/containers', tubes)
  expect(status).toBe(200)
  return { freezer, name, code, boxes }
}

const card = (page: Page) =>
  page.getByRole('main').getByRole('status').filter({ has: page.getByRole('heading', { level: 2 }) })

const tile = (page: Page, name: string | RegExp) => page.getByRole('group', { name: 'Results' }).getByRole('button', { name })

/** scanAll scans the codes of a laboratory one after the other. */
async function scanAll(page: Page, { code }: CountedLab, ends: (string | number)[]) {
  for (const end of ends) await scan(page, `${code}-${end}`)
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

test('13: a stock-take of 30 tubes by scanner only', async ({ page, securedServer }) => {
  test.slow()
  await signIn(page, securedServer, 'olga')
  const lab = await addCountedLab(page)
  const stray = `${lab.code}-stray`
  await addContainer(page, { description: `Stray of ${lab.code}`, barcode: stray, freezer_id: 1 })
  await page.goto(`${securedServer.url}/app/freezers/${lab.freezer}`)
  await expectLoaded(page, lab.name)
  const clicks = await countClicks(page)
  await page.getByRole('button', { name: 'Start stock-take' }).click()
  await expectLoaded(page, `Stock-take of ${lab.name}`)
  await expect(page.getByText('0 of 32 scanned')).toBeVisible()
  expectClicks('13 (start a stock-take)', clicks(), 1)

  await scanAll(page, lab, ['A'])
  await expectLoaded(page, 'Scan')
  await expect(card(page)).toContainText(/Found.*Box A of/)
  await scanAll(page, lab, [...range(1, 13), 16]) // 14 and 15 are missing, 16 belongs to box B
  await expect(card(page)).toContainText(/Misplaced.*Tube 16 .*Expected in .*Box B of .*scanned in Box A of/)
  await expect(page.getByText(/In Box A of .*: 13 of 15/)).toBeVisible()
  await checkScreen(page, 'scan-stock-take')
  await scan(page, stray)
  await expect(card(page)).toContainText(/Unexpected.*Stray.*Its home is -20C/)
  await scan(page, `${lab.code}-smudged`)
  await expect(card(page)).toContainText(/Unknown code.*smudged/)
  await scanAll(page, lab, ['B', ...range(17, 30)])
  await expect(page.getByText(/In Box B of .*: 14 of 15/)).toBeVisible()
  await expect(page.getByText('30 of 32 scanned')).toBeVisible()
  expectClicks('13 (stock-take of 30 tubes)', clicks(), 1)

  await page.getByRole('link', { name: `Stock-take of ${lab.name}` }).click()
  await expectLoaded(page, `Stock-take of ${lab.name}`)
  await expect(tile(page, '2 Not scanned')).toBeVisible()
  await expect(tile(page, '1 Misplaced')).toBeVisible()
  await expect(tile(page, '1 Unexpected')).toBeVisible()
  await expect(tile(page, '1 Unknown code')).toBeVisible()
  await expect(tile(page, '29 Found')).toBeVisible()
  await checkScreen(page, 'stock-take-open')
  await tile(page, '2 Not scanned').click()
  await expect(page.getByRole('table', { name: 'Report' }).getByRole('row')).toHaveCount(3)
  await page.getByRole('button', { name: /^Found: Tube 14 / }).click() // without a readable label
  await expect(tile(page, '1 Not scanned')).toBeVisible()
  await tile(page, '1 Unknown code').click()
  await page.getByRole('button', { name: /^Remove the scan of .*smudged/ }).click()
  await expect(tile(page, /Unknown code/)).toHaveText(/^0/)

  await page.getByRole('button', { name: 'Close…' }).click()
  await expect(page.getByText('Closing writes: 1 container marked as missing, 2 containers moved.')).toBeVisible()
  await checkScreen(page, 'stock-take-close')
  await page.getByRole('checkbox', { name: 'Move what belongs elsewhere to where it was scanned (1)' }).uncheck()
  await expect(page.getByText('Closing writes: 1 container marked as missing, 1 container moved.')).toBeVisible()
  await page.getByRole('button', { name: 'Close stock-take' }).click()
  await expect(page.getByText('Closed', { exact: true })).toBeVisible()
  await expect(tile(page, '1 Missing')).toBeVisible()
  const { body } = await callApi(page, 'GET', `/api/v1/containers?barcode=${lab.code}-15,${lab.code}-16`)
  expect(body).toEqual([])
  const status = async (end: string) =>
    (await callApi(page, 'GET', `/api/v1/containers?barcode=${lab.code}-${end}`)).body[0]
  expect(await status('15')).toMatchObject({ status: 'missing' })
  expect(await status('16')).toMatchObject({ status: 'stored', parent_uuid: lab.boxes[0] })
  expect(await status('stray')).toMatchObject({ freezer_id: 1 })
  await checkScreen(page, 'stock-take-closed')
})

test('a stock-take of a box starts from the list, is chosen in scan mode, and a scan is undone', async ({
  page,
  securedServer,
}) => {
  test.slow()
  await signIn(page, securedServer, 'olga')
  const lab = await addCountedLab(page)
  await menuLink(page, 'Stock-takes').click()
  await expectLoaded(page, 'Stock-takes')
  await page.getByRole('button', { name: 'Start stock-take' }).click()
  await page.getByRole('combobox', { name: 'Of' }).click()
  await page.keyboard.insertText(`${lab.code}-B`)
  await page.getByRole('option', { name: `Box B of ${lab.code}` }).click()
  await page.getByLabel('Note').fill('Yearly count')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await expectLoaded(page, `Stock-take of Box B of ${lab.code}`)
  await expect(page.getByText('Yearly count')).toBeVisible()
  await page.goto(`${securedServer.url}/app/scan`)
  await expectLoaded(page, 'Scan')
  await page.getByRole('button', { name: 'Stock-take', exact: true }).click()
  await page.getByRole('button', { name: `Box B of ${lab.code}` }).click()
  await expect(page.getByText('0 of 15 scanned')).toBeVisible()
  await scanAll(page, lab, [20])
  await expect(card(page)).toContainText(/Found.*Tube 20 /)
  await expect(page.getByText('1 of 15 scanned')).toBeVisible()
  await page.getByRole('button', { name: /^Undo: Found/ }).click()
  await expect(page.getByText('0 of 15 scanned')).toBeVisible()
  await page.goto(`${securedServer.url}/app/stocktakes`)
  await expectLoaded(page, 'Stock-takes')
  await page.getByRole('button', { name: 'Open', exact: true }).click()
  await expect(page.getByRole('row').filter({ hasText: `Box B of ${lab.code}` })).toContainText('Olga Berg')
  await checkScreen(page, 'stock-takes')
})

test.describe('conflicts', () => {
  test.use({ expectedErrors: /status of 409/ })
  test('a taken position keeps a stock-take from closing, with its reason', async ({ page, securedServer }) => {
    test.slow()
    await signIn(page, securedServer, 'olga')
    const lab = await addCountedLab(page)
    const tube = (n: number) => callApi(page, 'GET', `/api/v1/containers?barcode=${lab.code}-${n}`)
    for (const [n, position] of [[1, 'A1'], [2, 'A2']] as const)
      await callApi(page, 'PATCH', `/api/v1/containers/${(await tube(n)).body[0].uuid}`, { position })
    const { body } = await callApi(page, 'POST', '/api/v1/stocktakes', { freezer_id: lab.freezer })
    const scanned = { code: `${lab.code}-1`, parent: `${lab.code}-A`, position: 'A2' }
    await callApi(page, 'POST', `/api/v1/stocktakes/${body.id}/scans`, scanned)
    await page.goto(`${securedServer.url}/app/stocktakes/${body.id}`)
    await expectLoaded(page, `Stock-take of ${lab.name}`)
    await page.getByRole('button', { name: 'Close…' }).click()
    await expect(page.getByRole('alert')).toContainText(`Tube 1 of ${lab.code}: A2 of Box A of ${lab.code} is taken by Tube 2`)
    await expect(page.getByRole('button', { name: 'Close stock-take' })).toBeDisabled()
    await checkScreen(page, 'stock-take-conflict')
  })
})
