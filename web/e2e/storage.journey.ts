import { mappedFreezer, storageUuid } from './bigLab'
import { countClicks, expectClicks } from './clicks'
import { openTab, tabPanel } from './detailPage'
import { callApi, checkScreen, countResponses, expect, expectLoaded, type Page, signIn, test, uniqueName } from './fixtures'
import { importRows } from './importRows'
import type { Server } from './server'

// Where containers lie: the map of a freezer, the grid of a box, and the storage tree.

const positions = (page: Page, name: string) => page.getByRole('grid', { name: `Positions of ${name}` })
const cell = (page: Page, box: string, position: string) =>
  positions(page, box).getByRole('gridcell', { name: new RegExp(`^${position} ?,`) })
const chosen = (page: Page) => page.getByRole('region', { name: 'Chosen container' })
const toast = (page: Page, text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).last()

async function openMap(page: Page, server: Server, container = '') {
  await page.goto(`${server.url}/app/freezers/${mappedFreezer}${container && `?container=${storageUuid(container)}`}`)
  await expectLoaded(page, 'Minus80-B3')
}

/** newBox creates a 4 × 4 box with two tubes in another freezer. */
async function newBox(page: Page, server: Server) {
  await page.goto(`${server.url}/app/`)
  const name = uniqueName('Box')
  const { body: box } = await callApi(page, 'POST', '/api/v1/containers', {
    description: name,
    kind: 'box',
    freezer_id: 109,
    rows: 4,
    columns: 4,
    blocked: 'D4',
  })
  for (const [description, position, type] of [
    ['First', 'A1', 'serum'],
    ['Second', 'A2', 'plasma'],
  ]) {
    const { status } = await callApi(page, 'POST', '/api/v1/containers', {
      description,
      position,
      type,
      parent_uuid: box.uuid,
    })
    expect(status).toBe(201)
  }
  return { name, uuid: box.uuid as string }
}

test('the map of a freezer leads from shelves to a tube', async ({ page, openServer }) => {
  test.slow() // three axe runs on many cells
  const clicks = await countClicks(page)
  await openMap(page, openServer)
  const matrix = page.getByRole('table', { name: 'Shelves and racks' })
  await expect(matrix.getByRole('row')).toHaveCount(5)
  await expect(page.getByRole('main')).toContainText(/\d+ % full, [\d,]+ free/)
  await checkScreen(page, 'map')
  await matrix.getByRole('button', { name: /^Rack 1B 85 % ?, 17 of 20 positions$/ }).click()
  await expect(page.getByRole('region', { name: 'Rack 1B' })).toContainText('5 × 4, 17 of 20')
  await cell(page, 'Rack 1B', '1-2').click()
  await expect(page.getByRole('region', { name: 'Box 1B-2' })).toContainText('9 × 9, 62 of 79')
  await expect(cell(page, 'Box 1B-2', 'I9')).toHaveAccessibleName('I9, blocked')
  await cell(page, 'Box 1B-2', 'B4').click()
  expectClicks('1 (shelf, rack, box, tube)', clicks(), 3)
  await expect(chosen(page)).toContainText('B4 · Tube 2.13')
  await expect(chosen(page)).toContainText('In place')
  await expect(page).toHaveURL(new RegExp(storageUuid('Tube 2.13')))
  await checkScreen(page, 'map-tube')
  await page.reload()
  await expect(cell(page, 'Box 1B-2', 'B4')).toHaveAttribute('data-chosen', 'true')
  await cell(page, 'Box 1B-2', 'H1').click()
  const free = page.getByRole('region', { name: 'Chosen position' })
  await expect(free).toContainText('H1 · free')
  await free.getByRole('link', { name: 'Put a container here' }).click()
  await expectLoaded(page, 'New container')
  await expect(page.getByRole('combobox', { name: 'Lies in' })).toHaveValue('Box 1B-2')
  await expect(page.getByRole('textbox', { name: 'Position', exact: true })).toHaveValue('H1')
})

test('a container that is found shows its exact place', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera')
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  await page.keyboard.press('Control+k')
  await page.keyboard.insertText('tube 2.13')
  await page.getByRole('group', { name: /^Containers/ }).getByRole('option').first().click()
  await expectLoaded(page, 'Tube 2.13')
  const path = page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link')
  await expect(path).toHaveText(['Biobank West', 'Minus80-B3', 'Shelf 1', 'Rack 1B', 'Box 1B-2'])
  const details = page.getByRole('region', { name: 'Details' })
  await expect(details.getByRole('img', { name: 'B4 of Box 1B-2' })).toBeVisible()
  await expect(details).toContainText('T-2-13')
  expectClicks('1 (find, exact place)', clicks(), 1)
  await checkScreen(page, 'container-tube')
  await page.getByRole('link', { name: 'Show on the map' }).click()
  await expect(cell(page, 'Box 1B-2', 'B4')).toHaveAttribute('data-chosen', 'true')
  expectClicks('1 (find, on the map)', clicks(), 2)
  await expect(page.getByRole('button', { name: 'Change position' })).toHaveCount(0) // a viewer moves nothing
  await path.filter({ hasText: 'Biobank West' }).click()
  await expectLoaded(page, 'Biobank West')
})

test('keys move through the grid, extend the selection, and move a tube', async ({ page, openServer }) => {
  const { name, uuid } = await newBox(page, openServer)
  await page.goto(`${openServer.url}/app/containers/${uuid}`)
  await expectLoaded(page, name)
  await expect(page.getByRole('tab', { name: 'Contents 2' })).toHaveAttribute('aria-selected', 'true')
  await expect(cell(page, name, 'A2')).toHaveAccessibleName(/^A2 ?, ?Second ?, ?plasma$/)
  await cell(page, name, 'A1').focus()
  await page.keyboard.press('End')
  await expect(cell(page, name, 'A4')).toBeFocused()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Control+End')
  await expect(cell(page, name, 'D4')).toBeFocused()
  await page.keyboard.press('Home')
  await page.keyboard.press('Control+Home')
  await page.keyboard.press('Shift+ArrowRight')
  await page.keyboard.press('Shift+ArrowDown')
  await expect(positions(page, name).getByRole('gridcell', { selected: true })).toHaveCount(4)
  await expect(page.getByText('4 positions: 2 containers, 2 free')).toBeVisible()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+Home')
  await page.keyboard.press('Enter')
  await expect(chosen(page)).toContainText('A1 · First')
  await page.keyboard.press('Control+x')
  await expect(page.getByText('Moving First: choose a free position')).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(toast(page, 'Moved First to C1')).toBeVisible()
  await expect(cell(page, name, 'C1')).toHaveAccessibleName(/^C1 ?, ?First ?, ?serum$/)
  await expect(cell(page, name, 'C1')).toBeFocused()
  await expect(cell(page, name, 'A1')).toHaveAccessibleName('A1, free')
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(cell(page, name, 'A1')).toHaveAccessibleName(/^A1 ?, ?First ?, ?serum$/)
  // The same with the button of the panel.
  await chosen(page).getByRole('button', { name: 'Change position' }).click()
  await cell(page, name, 'B2').click()
  await expect(cell(page, name, 'B2')).toHaveAccessibleName(/^B2 ?, ?First ?, ?serum$/)
  const { body } = await callApi(page, 'GET', `/api/v1/containers?parent_uuid=${uuid}&position=B2`)
  expect(body).toMatchObject([{ description: 'First' }])
  await checkScreen(page, 'container-box')
})

test('a tube is dragged to a free position', async ({ page, openServer }) => {
  const { name, uuid } = await newBox(page, openServer)
  await page.goto(`${openServer.url}/app/containers/${uuid}`)
  await cell(page, name, 'A2').dragTo(cell(page, name, 'C3'))
  await expect(toast(page, 'Moved Second to C3')).toBeVisible()
  await expect(cell(page, name, 'C3')).toHaveAccessibleName(/^C3 ?, ?Second ?, ?plasma$/)
  await cell(page, name, 'C3').dragTo(cell(page, name, 'D4')) // blocked
  await cell(page, name, 'C3').dragTo(cell(page, name, 'A1')) // taken
  await expect(cell(page, name, 'C3')).toHaveAccessibleName(/^C3 ?, ?Second ?, ?plasma$/)
  const { body } = await callApi(page, 'GET', `/api/v1/containers?parent_uuid=${uuid}&sort=position`)
  expect(body).toMatchObject([{ position: 'A1' }, { position: 'C3', version: 2 }])
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of 409/ })

  test('a position that another user has taken is named', async ({ page, openServer }) => {
    const { name, uuid } = await newBox(page, openServer)
    await page.goto(`${openServer.url}/app/containers/${uuid}`)
    await expect(cell(page, name, 'B4')).toHaveAccessibleName('B4, free')
    await callApi(page, 'POST', '/api/v1/containers', { description: 'Quicker', parent_uuid: uuid, position: 'B4' })
    await cell(page, name, 'A2').dragTo(cell(page, name, 'B4'))
    await expect(page.getByRole('alert').filter({ hasText: `B4 of ${name} is taken by Quicker` })).toBeVisible()
    await expect(cell(page, name, 'B4')).toHaveAccessibleName(/^B4 ?, ?Quicker$/)
    await expect(cell(page, name, 'A2')).toHaveAccessibleName(/^A2 ?, ?Second ?, ?plasma$/)

    await page.goto(`${openServer.url}/app/containers/new?parent=${uuid}`)
    await expectLoaded(page, 'New container')
    await page.getByLabel('Description').fill('Third')
    await page.getByRole('textbox', { name: 'Position', exact: true }).fill('b4')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText(`B4 of ${name} is taken by Quicker`)).toBeVisible()
    await expect(page.getByRole('textbox', { name: 'Position', exact: true })).toBeFocused()
    await checkScreen(page, 'container-new-taken')
    await page.getByRole('button', { name: 'Choose…' }).click()
    const free = page.getByRole('grid', { name: 'Free positions' })
    await free.getByRole('gridcell', { name: 'A1, First, serum' }).click({ force: true }) // cannot be chosen
    await free.getByRole('gridcell', { name: 'C2, free' }).click()
    await expect(page.getByRole('textbox', { name: 'Position', exact: true })).toHaveValue('C2')
    await page.getByRole('button', { name: 'Save' }).click()
    await expectLoaded(page, 'Third')
    await expect(page.getByRole('img', { name: `C2 of ${name}` })).toBeVisible()
  })
})

test('checked-out and missing tubes are told apart without colour, and the colour is kept', async ({ page, openServer }) => {
  test.slow() // axe checks many cells
  // The states change the answer of the server, because no check-out is made here.
  await page.route('**/contents', async (route) => {
    const response = await route.fetch()
    const body = await response.json()
    for (const [i, status] of ['checked_out', 'missing'].entries()) if (body.contents[i]) body.contents[i].status = status
    await route.fulfill({ response, json: body })
  })
  await page.goto(`${openServer.url}/app/containers/${storageUuid('Box 1B-3')}`)
  await expect(cell(page, 'Box 1B-3', 'A1')).toHaveAccessibleName(/, checked out$/)
  await expect(cell(page, 'Box 1B-3', 'A2')).toHaveAccessibleName(/, missing$/)
  const legend = page.getByRole('list', { name: 'Legend' })
  await expect(legend).toContainText(/S\s*serum \(\d\)/)
  await expect(legend).toContainText('Checked out')
  await page.getByLabel('Colours show').selectOption('Colour: owner')
  await expect(legend).toContainText('Harry Osei (4)')
  await checkScreen(page, 'box-states')
  await page.reload()
  await expect(page.getByLabel('Colours show')).toHaveValue('owner')
  await page.getByRole('button', { name: 'List' }).click()
  const table = page.getByRole('table', { name: 'Contents of Box 1B-3' })
  await expect(table.getByRole('row')).toHaveCount(13)
  await expect(page.getByText('69 free: B4, B5')).toBeVisible()
  await checkScreen(page, 'box-list')
})

test('a plate of 1,536 wells scrolls in its own box, also on a phone', async ({ page, openServer }) => {
  await openMap(page, openServer, 'Plate 1536')
  await expect(positions(page, 'Plate 1536').getByRole('gridcell')).toHaveCount(1536)
  await page.setViewportSize({ width: 390, height: 844 })
  await cell(page, 'Plate 1536', 'AF48').focus()
  await expect(cell(page, 'Plate 1536', 'AF48')).toBeInViewport()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
})

test('a freezer without shelves says what to add, and loads none of its containers', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Loose')
  const { body: freezer } = await callApi(page, 'POST', '/api/v1/freezers', { name, site_id: 14 })
  const rows = Array.from({ length: 20_000 }, (_, i) => ({ description: `Loose ${i}`, freezer_id: freezer.id }))
  importRows(openServer, 'containers', rows)
  const lists = countResponses(page, '/api/v1/containers')
  let bytes = 0
  page.on('response', async (response) => {
    if (response.url().includes('/api/v1/')) bytes += (await response.body().catch(() => Buffer.of())).length
  })
  await page.goto(`${openServer.url}/app/freezers/${freezer.id}`)
  await expectLoaded(page, name)
  await expect(page.getByText('Add shelves, racks and boxes')).toBeVisible()
  await checkScreen(page, 'map-empty')
  expect(lists(), 'only the number of containers').toBeLessThanOrEqual(1)
  expect(bytes).toBeLessThan(200_000)
  await page.getByRole('link', { name: 'View 20,000 loose containers' }).click()
  await expect(tabPanel(page, 'Contents').getByText('1–50 of 20,000')).toBeVisible()
})

test('the storage tree opens freezers, shelves and racks', async ({ page, openServer }) => {
  test.slow() // three axe runs
  const maps = countResponses(page, `/freezers/${mappedFreezer}/map`)
  await page.goto(`${openServer.url}/app/storage`)
  await expectLoaded(page, 'Storage')
  await page.getByRole('button', { name: 'Tree' }).click()
  const tree = page.getByRole('list', { name: 'Freezers at Biobank West' })
  const freezer = tree.getByRole('listitem').filter({ hasText: 'Minus80-B3' })
  await expect(freezer).toContainText(/[\d,]+ of [\d,]+ free/)
  expect(maps()).toBe(0)
  await freezer.getByRole('button', { name: 'Contents of Minus80-B3' }).click()
  await tree.getByRole('button', { name: 'Contents of Shelf 1' }).click()
  await tree.getByRole('button', { name: 'Contents of Rack 1B' }).click()
  await expect(tree.getByRole('link', { name: 'Box 1B-17' })).toBeVisible()
  await expect(tree.getByRole('listitem').filter({ hasText: 'Box 1B-2' }).last()).toContainText('17 of 79 free')
  expect(maps()).toBe(1)
  await checkScreen(page, 'storage-tree')
  await tree.getByRole('link', { name: /loose containers$/ }).click()
  await expect(page).toHaveURL(/tab=contents/)
})

test('many tubes get the free positions of a box', async ({ page, openServer }) => {
  const { name, uuid } = await newBox(page, openServer)
  await page.goto(`${openServer.url}/app/containers/add`)
  await expectLoaded(page, 'Add containers')
  const target = page.getByRole('combobox', { name: 'Lies in' })
  await target.fill(name)
  await page.getByRole('option', { name: new RegExp(`^${name}`) }).click()
  await expect(page.getByText('in Minus80-B4')).toBeVisible()
  const grid = page.getByRole('grid', { name: 'New containers' })
  await grid.getByRole('gridcell').first().click()
  await page.getByRole('button', { name: 'Series…' }).click()
  await page.getByLabel('Text of Description').fill('Aliquot 1…5')
  await page.getByRole('button', { name: 'Fill 5 rows' }).click()
  await page.getByRole('button', { name: 'Fill free positions (13)' }).click()
  await expect(page.getByText('Filled 5 positions')).toBeVisible()
  await checkScreen(page, 'add-containers-box')
  await page.getByRole('button', { name: 'Add 5 containers' }).click()
  await expect(page.getByText(`5 containers added to ${name}`)).toBeVisible()
  await page.getByRole('link', { name: 'View contents' }).click()
  await expectLoaded(page, name)
  await expect(cell(page, name, 'A3')).toHaveAccessibleName(/^A3 ?, ?Aliquot/)
  const { body } = await callApi(page, 'GET', `/api/v1/containers?parent_uuid=${uuid}&sort=position`)
  expect(body.every(({ position }: { position: string | null }) => position)).toBe(true)
})

test('a container is found by its barcode, which is no UUID', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await page.getByLabel('Scan or enter a barcode').fill('T-1-81')
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Tube 1.81')
  await openTab(page, 'History')
  await expect(tabPanel(page, 'History')).toContainText('created this container')
})
