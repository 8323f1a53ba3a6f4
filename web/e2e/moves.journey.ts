import { openTab } from './detailPage'
import { boxUuid } from './bigLab'
import { countClicks, expectClicks } from './clicks'
import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, test, uniqueName } from './fixtures'
import { chooseTarget, planRows, printed, showPlan, targetOptions } from './moveDialog'
import { scan } from './scanner'
import { addBoxes, addContainer, addFreezer } from './storageLab'

// Moving containers and evacuating a freezer: choice of places, plan, pick list, move.

const table = (page: Page) => page.getByRole('table', { name: 'Containers' })
const bar = (page: Page) => page.getByRole('region', { name: 'Selected containers' })
const places = (page: Page) => page.getByRole('list', { name: 'Chosen places' }).getByRole('listitem')

async function openContainers(page: Page, url: string, query: string) {
  await page.goto(`${url}/app/containers${query}`)
  await expectLoaded(page, 'Containers')
}

/** openLab opens any screen, so that the journey can call the API. */
async function openLab(page: Page, url: string) {
  await page.goto(`${url}/app/`)
  await expectLoaded(page, 'Overview')
}

test('3: a dying freezer with 154 boxes is evacuated', async ({ page, openServer }) => {
  test.slow() // axe on long tables
  await openLab(page, openServer.url)
  const name = uniqueName('Minus80-Z')
  const id = await addFreezer(page, name)
  await addBoxes(page, id, 154)
  // Warm freezers, full ones and those of other sites are not proposed.
  await addFreezer(page, uniqueName('Minus20'), { capacity: 900 })
  await addBoxes(page, await addFreezer(page, uniqueName('Minus80-full'), { capacity: 1 }), 1)
  await page.goto(`${openServer.url}/app/freezers/${id}`)
  await expectLoaded(page, name)
  const clicks = await countClicks(page)
  await page.getByRole('link', { name: 'Evacuate' }).click()
  await expectLoaded(page, `Evacuate ${name}`)
  await expect(page.getByText('All 154 containers fit')).toBeVisible()
  await expect(places(page)).toHaveCount(1)
  await expect(places(page)).toContainText(/Biobank North.*−80 °C.*Gets 154 containers/)
  await page.getByRole('button', { name: 'Plan' }).click()
  await expect(planRows(page)).toHaveCount(154)
  await page.getByRole('button', { name: 'Move everything' }).click()
  await expect(page.getByText(`154 containers moved out of ${name}`)).toBeVisible()
  expectClicks('3 (evacuate a freezer)', clicks(), 6)
  await checkScreen(page, 'evacuate-done')
  await page.getByRole('link', { name: `View ${name}` }).click()
  await openTab(page, 'Contents')
  await expect(page.getByText('No containers in this freezer')).toBeVisible()
})

test('the places of an evacuation are chosen in an order, and the plan and the pick list follow it', async ({
  page,
  openServer,
}) => {
  test.slow() // axe
  await openLab(page, openServer.url)
  const name = uniqueName('ULT source')
  const [first, second, warm] = [uniqueName('ULT first'), uniqueName('ULT second'), uniqueName('Minus20 warm')]
  const id = await addFreezer(page, name)
  await addBoxes(page, id, 30)
  await addFreezer(page, first, { capacity: 12 })
  await addFreezer(page, second, { capacity: 11 })
  await addFreezer(page, warm, { capacity: 50 })
  const rack = uniqueName('Rack')
  await addContainer(page, { description: rack, freezer_id: 103, rows: 2, columns: 5, barcode: `${rack} code` })
  await page.goto(`${openServer.url}/app/freezers/${id}/evacuate`)
  await expectLoaded(page, `Evacuate ${name}`)
  while ((await places(page).count()) > 0) await places(page).first().getByRole('button', { name: /^Remove/ }).click()
  await expect(page.getByText('0 of 30 containers fit')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Plan' })).toBeDisabled()
  const add = async (text: string) => {
    await page.getByRole('combobox', { name: 'Add a rack, a box or a freezer' }).click()
    await page.keyboard.insertText(text)
    await page.getByRole('option', { name: text }).click()
    await expect(places(page).filter({ hasText: text })).toBeVisible()
  }
  await add(second)
  await add(rack)
  await add(warm)
  await expect(places(page)).toHaveCount(3)
  await expect(places(page).nth(1)).toContainText(/Rack.*Minus80-B3, Oslo clinic.*Gets 10 containers of 10 free/)
  await expect(places(page).nth(2)).toContainText(`Warmer than ${name}`)
  await expect(places(page).nth(2)).toContainText('Gets 9 containers of 50 free')
  await checkScreen(page, 'evacuate')
  await places(page).nth(2).getByRole('button', { name: /^Remove/ }).click()
  await expect(page.getByText('21 of 30 containers fit')).toBeVisible()
  await add(first)
  await page.getByRole('button', { name: `Move ${first} up` }).click()
  await page.getByRole('button', { name: `Move ${first} up` }).click()
  await expect(places(page).first()).toContainText('Gets 12 containers of 12 free')
  await expect(places(page).nth(2)).toContainText('Gets 7 containers')
  const rows = await showPlan(page)
  await expect(rows).toHaveCount(30)
  await expect(rows.nth(11)).toContainText(first)
  await expect(rows.nth(12)).toContainText(second)
  await expect(rows.nth(23)).toContainText(`${rack}, A1`)
  await checkScreen(page, 'evacuate-plan')
  const list = await printed(page)
  await expect(list.getByRole('heading')).toHaveText(`Evacuate ${name}`)
  await expect(list.getByRole('row')).toHaveCount(31)
  await expect(list).toHaveCSS('background-color', 'rgb(255, 255, 255)')
  await expect(page.getByRole('main')).toBeHidden()
  await page.emulateMedia({ media: 'screen' })
  await expect(list).toBeHidden()
  // Another user adds a box: the plan is not what would happen.
  await addBoxes(page, id, 1)
  await page.getByRole('button', { name: 'Move everything' }).click()
  await expect(page.getByText('The plan has changed')).toBeVisible()
  await expect(planRows(page)).toHaveCount(31)
  await page.getByRole('button', { name: 'Move everything' }).click()
  await expect(page.getByText(`31 containers moved out of ${name}`)).toBeVisible()
  await page.goto(`${openServer.url}/app/freezers/${id}/evacuate`)
  await expect(page.getByText(`${name} is empty`)).toBeVisible()
})

test('a selection is moved into the box whose barcode is scanned, column by column', async ({ page, openServer }) => {
  test.slow() // axe
  await openLab(page, openServer.url)
  const [name, box] = [uniqueName('Minus80-M'), uniqueName('Box')]
  const id = await addFreezer(page, name)
  const lot = await addBoxes(page, id, 20)
  const boxBarcode = uniqueName('LL').replace(/\W/g, '-')
  await addContainer(page, { description: box, freezer_id: 107, barcode: boxBarcode, rows: 5, columns: 9 })
  await openContainers(page, openServer.url, `?q=${lot}&sort=barcode`)
  const clicks = await countClicks(page)
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).click()
  await bar(page).getByRole('button', { name: 'Move…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Move 20 containers' })
  await expect(dialog.getByRole('combobox', { name: 'Move to' })).toBeFocused()
  await scan(page, boxBarcode)
  await expect(dialog.getByRole('combobox', { name: 'Move to' })).toHaveValue(boxBarcode)
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('combobox', { name: 'Move to' })).toHaveValue(box)
  await expect(dialog).toContainText('45 free positions')
  await expect(dialog).toContainText('A1, A2, A3')
  await dialog.getByRole('radio', { name: 'Column by column' }).click()
  await checkScreen(page, 'move')
  const rows = await showPlan(page)
  await expect(rows).toHaveCount(20)
  await expect(rows.nth(5)).toContainText(`Minus80-B2 › ${box}, A2`)
  await checkScreen(page, 'move-plan')
  await dialog.getByRole('button', { name: 'Move 20 containers' }).click()
  await expect(page.getByText('20 containers moved', { exact: true })).toBeVisible()
  await expect(bar(page)).toHaveCount(0)
  expectClicks('move a selection', clicks(), 5)
  await expect(table(page).locator('td[data-label=Freezer]').nth(19)).toHaveText('Minus80-B2')
  const { body } = await callApi(page, 'GET', `/api/v1/containers?barcode=${lot}-0007`)
  expect(body[0]).toMatchObject({ position: 'B2', freezer_id: 107 })
})

test('all matching containers move in one change, and a container without room is named', async ({ page, openServer }) => {
  await openLab(page, openServer.url)
  const [from, to] = [await addFreezer(page, uniqueName('From')), await addFreezer(page, uniqueName('To'))]
  await addBoxes(page, from, 120)
  await openContainers(page, openServer.url, `?freezer_id=${from}&sort=description`)
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
  await bar(page).getByRole('button', { name: 'Select all 120 matching' }).click()
  await bar(page).getByRole('button', { name: 'Move…' }).click()
  await expect(page.getByRole('dialog', { name: 'Move 120 containers' })).toBeVisible()
  const name = (await callApi(page, 'GET', `/api/v1/freezers/${to}`)).body.name
  await chooseTarget(page, name)
  await expect(page.getByRole('dialog')).toContainText('Any number fits. It holds 0 now.')
  await expect(await showPlan(page)).toHaveCount(120)
  await page.getByRole('button', { name: 'Move 120 containers' }).click()
  await expect(page.getByText('No containers match these filters')).toBeVisible()
  const { body: changes } = await callApi(page, 'GET', '/api/v1/changes?table_name=container&sort=-id&limit=120')
  expect(new Set(changes.map((change: { request_id: string }) => change.request_id)).size).toBe(1)
})

test.describe('rejected plans', () => {
  test.use({ expectedErrors: /status of (400|409)/ })

  test('every conflict is named, and given positions can be corrected', async ({ page, openServer }) => {
    test.slow() // axe
    await openLab(page, openServer.url)
    const [box, name] = [uniqueName('Box'), uniqueName('Minus80-G')]
    const id = await addFreezer(page, name)
    const boxUuid = await addContainer(page, { description: box, freezer_id: 107, rows: 2, columns: 3 })
    await addContainer(page, { description: 'Old tube', parent_uuid: boxUuid, position: 'A1' })
    for (const n of [1, 2, 3]) await addContainer(page, { description: `Tube ${n}`, freezer_id: id })
    await openContainers(page, openServer.url, `?freezer_id=${id}&sort=description`)
    await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
    await bar(page).getByRole('button', { name: 'Move…' }).click()
    await chooseTarget(page, box)
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('radio', { name: 'Give positions' }).click()
    const field = (title: string) => dialog.getByRole('textbox', { name: title })
    await field('Tube 1').focus()
    await page.evaluate(() => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', 'A1\nb2\nB2\n')
      document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    })
    await expect(field('Tube 3')).toHaveValue('B2')
    await dialog.getByRole('button', { name: 'Plan' }).click()
    const conflicts = dialog.getByRole('alert').getByRole('listitem')
    await expect(conflicts).toHaveText([
      `Tube 1: A1 of ${box} is taken by Old tube`,
      `Tube 3: B2 of ${box} is already used by Tube 2`,
    ])
    await checkScreen(page, 'move-conflicts')
    await field('Tube 1').fill('A3')
    await field('Tube 3').fill('')
    await expect(conflicts).toHaveCount(0)
    const rows = await showPlan(page)
    await expect(rows.nth(2)).toContainText(`${box}, A2`)
    await page.getByRole('button', { name: 'Back' }).click()
    await expect(field('Tube 1')).toHaveValue('A3') // nothing typed is lost
    await showPlan(page)
    await page.getByRole('button', { name: 'Move 3 containers' }).click()
    await expect(page.getByText('3 containers moved', { exact: true })).toBeVisible()
    const { body } = await callApi(page, 'GET', `/api/v1/containers?parent_uuid=${boxUuid}&sort=description`)
    expect(body.map(({ position }: { position: string }) => position)).toEqual(['A1', 'A3', 'B2', 'A2'])
  })

  test('a freezer without room names what does not fit', async ({ page, openServer }) => {
    await openLab(page, openServer.url)
    const full = uniqueName('Full')
    await addFreezer(page, full, { capacity: 1 })
    await openContainers(page, openServer.url, '?q=plasma&freezer_id=107')
    const boxes = table(page).locator('tbody').getByRole('checkbox')
    await boxes.nth(1).check()
    await boxes.nth(3).click({ modifiers: ['Shift'] })
    await bar(page).getByRole('button', { name: 'Move…' }).click()
    await chooseTarget(page, full)
    await expect(page.getByRole('dialog')).toContainText('1 free, for 3 containers')
    await page.getByRole('button', { name: 'Plan' }).click()
    await expect(page.getByRole('alert')).toContainText(`${full} has no room for 2 of 3 containers`)
    await expect(page.getByRole('button', { name: 'Plan' })).toBeVisible()
  })
})

test('the target is found by a part of a name: freezers, and containers that hold others', async ({ page, openServer }) => {
  await openLab(page, openServer.url)
  const rack = uniqueName('Cellar rack')
  await addContainer(page, { description: rack, freezer_id: 112, rows: 4, columns: 4 })
  await page.goto(`${openServer.url}/app/containers/${boxUuid(5)}`)
  await expectLoaded(page, 'Mouse serum, cohort 4')
  await page.keyboard.press('m')
  const field = page.getByRole('dialog').getByRole('combobox', { name: 'Move to' })
  await expect(field).toBeFocused()
  await expect(page.getByRole('dialog')).toContainText('Currently in Minus80-B1')
  await page.keyboard.insertText('rack cellar')
  await expect(targetOptions(page)).toHaveText([new RegExp(`^${rack}.*Minus80-B2, Biobank North, 16 free`)])
  await field.fill('west b2')
  await expect(targetOptions(page).first()).toHaveText(/^Minus80-B2.*Biobank West/)
  await page.keyboard.press('Enter')
  await expect(field).toHaveValue('Minus80-B2')
  await page.keyboard.press('Enter')
  await expect(planRows(page)).toHaveText([/Minus80-B1.*Minus80-B2/])
})

test('a viewer cannot move anything', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/freezers/107/evacuate')
  await expect(page.getByText('You don’t have access')).toBeVisible()
  await page.goto(`${securedServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await table(page).locator('tbody').getByRole('checkbox').nth(1).check()
  await expect(bar(page).getByRole('button')).toHaveText(['Print labels', 'Clear selection'])
})
