import { readFileSync } from 'node:fs'

import { boxUuid } from './bigLab'
import { openTab, tabPanel } from './detailPage'
import { addFilter, chips, filterForm } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, switchUser, test, uniqueName } from './fixtures'
import { showPlan, targetOptions } from './moveDialog'
import { countContainers } from './storageLab'

// The table of all lists: search, filters, order, pages, columns, export and selection, on 3,000 containers.

const table = (page: Page, name = 'Containers') => page.getByRole('table', { name })
const titles = (page: Page) => table(page).getByRole('rowheader')

async function openContainers(page: Page, url: string, query = '') {
  await page.goto(`${url}/app/containers${query}`)
  await expectLoaded(page, 'Containers')
}

/** expectRange waits until a page has loaded, whose rows have these numbers. */
async function expectRange(page: Page, range: string) {
  await expect(page.getByText(new RegExp(`^${range} of `))).toBeVisible()
  await expectLoaded(page, 'Containers')
}

/** download clicks on Export CSV and returns the lines of the file. */
async function download(page: Page): Promise<string[]> {
  const started = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export CSV' }).click()
  return readFileSync(await (await started).path(), 'utf8').trimEnd().split('\n')
}

test('a search finds words in any order and in the names of freezers, and an export has the same rows', async ({
  page,
  openServer,
}) => {
  await openContainers(page, openServer.url)
  await page.getByRole('searchbox', { name: 'Search containers' }).fill('cohort MOUSE b1')
  await expect(page).toHaveURL(/[?&]q=cohort\+MOUSE\+b1/)
  await expect(titles(page).nth(1)).toHaveText('Mouse serum, cohort 4')
  const count = Number((await page.getByText(/^1–50 of \d+$/).textContent())?.match(/of (\d+)/)?.[1])
  expect(count).toBeGreaterThan(50)
  for (const freezer of await table(page).locator('td[data-label=Freezer]').allInnerTexts())
    expect(freezer).toBe('Minus80-B1')
  const [header, ...lines] = await download(page)
  expect(header?.trim()).toBe('uuid,description,barcode,type,freezer_name,site_name,position,status')
  expect(lines).toHaveLength(count)
  for (const line of lines) expect(line).toContain('"Mouse serum, cohort 4",,,Minus80-B1')
})

test('filters are chips that can be added, changed and removed, and the URL keeps them', async ({ page, openServer }) => {
  test.slow() // axe
  await openContainers(page, openServer.url)
  await addFilter(page, 'Description', 'starts with', { text: 'plasma RACK 10' })
  await expect(chips(page)).toHaveText([/Description starts with plasma RACK 10/])
  await expect(page).toHaveURL(/description__startswith=plasma\+RACK\+10/)
  // The second of five freezers with the same name.
  await page.getByRole('button', { name: 'Add filter' }).click()
  const form = filterForm(page)
  await form.getByLabel('Column').selectOption('Freezer')
  await form.getByRole('combobox', { name: 'Freezer' }).fill('Minus80-B2')
  await form.getByRole('option', { name: /^Minus80-B2.*Biobank West/ }).click()
  await form.getByRole('button', { name: 'Apply' }).click()
  await expect(chips(page)).toHaveText([/Description starts with/, /Freezer: Minus80-B2/])
  await expect(page).toHaveURL(/freezer_id=107/)
  await expect(table(page).locator('td[data-label=Site]').first()).toHaveText('Biobank West')
  await checkScreen(page, 'grid-filters')
  await page.reload()
  await expect(chips(page)).toHaveCount(2)
  await page.getByRole('button', { name: /^Change filter Description/ }).click()
  await expect(form.getByLabel('Description')).toHaveValue('plasma RACK 10')
  await checkScreen(page, 'grid-filter-form')
  await form.getByLabel('Condition').selectOption('contains')
  await form.getByLabel('Description').fill('nothing has this')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/description__contains=/)
  await expect(page).not.toHaveURL(/description__startswith=/)
  await expect(page.getByText('No containers match these filters')).toBeVisible()
  await page.getByRole('button', { name: /^Remove filter Description/ }).click()
  await expect(chips(page)).toHaveText([/Freezer: Minus80-B2/])
  await expect(page.getByText(`1–50 of ${await countContainers(page, 'freezer_id=107')}`)).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(chips(page)).toHaveCount(0)
  await expect(page.getByText('1–50 of 3,')).toBeVisible()
})

test('pages lead forwards and back in the chosen order', async ({ page, openServer }) => {
  await openContainers(page, openServer.url, '?q=plasma')
  await page.getByRole('columnheader', { name: 'Description' }).getByRole('button').click()
  await expect(page.getByRole('columnheader', { name: 'Description' })).toHaveAttribute('aria-sort', 'ascending')
  await expect(page).toHaveURL(/sort=description/)
  await expectLoaded(page, 'Containers')
  const firstTitles = await titles(page).allInnerTexts()
  expect(firstTitles).toHaveLength(50)
  // Numbers in texts are sorted as numbers.
  expect(firstTitles.slice(0, 3)).toEqual(['Plasma rack 1', 'Plasma rack 6', 'Plasma rack 9'])
  const pages = page.getByRole('navigation', { name: 'Pages of containers' })
  await expect(pages.getByRole('button', { name: 'Previous' })).toBeDisabled()
  await pages.getByRole('button', { name: 'Next' }).click()
  await expectRange(page, '51–100')
  const secondTitles = await titles(page).allInnerTexts()
  expect(secondTitles.filter((title) => firstTitles.includes(title))).toEqual([])
  await pages.getByRole('button', { name: 'Next' }).click()
  await expectRange(page, '101–150')
  await page.reload() // the cursor is in the URL
  await expectRange(page, '101–150')
  await pages.getByRole('button', { name: 'Previous' }).click()
  await expectRange(page, '51–100')
  await expect(titles(page)).toHaveText(secondTitles)
  await pages.getByRole('button', { name: 'Previous' }).click()
  await expect(titles(page)).toHaveText(firstTitles)
  await page.goBack()
  await expect(titles(page)).toHaveText(secondTitles)
  // Another order starts at the first page.
  await page.getByRole('columnheader', { name: 'Description' }).getByRole('button').click()
  await expectRange(page, '1–50')
  await expect(page).not.toHaveURL(/after=|before=|page=/)
  await expect(page.getByRole('columnheader', { name: 'Description' })).toHaveAttribute('aria-sort', 'descending')
  await page.getByLabel('Rows per page').selectOption('100 rows')
  await expect(titles(page)).toHaveCount(100)
})

test('Shift adds a second sort key, also on the keyboard', async ({ page, openServer }) => {
  await openContainers(page, openServer.url, '?q=mouse+serum')
  const header = (name: string) => page.getByRole('columnheader', { name })
  await header('Freezer').getByRole('button').click()
  await header('Site').getByRole('button').click({ modifiers: ['Shift'] })
  await expect(page).toHaveURL(/sort=freezer_name%2Csite_name/)
  await expect(header('Site')).toHaveText(/Site ↑2/)
  const sites = () => table(page).locator('td[data-label=Site]').allInnerTexts()
  await expect.poll(async () => [...new Set(await sites())].join()).toBe('Biobank North')
  await header('Site').getByRole('button').focus()
  await page.keyboard.press('Shift+Enter')
  await expect(page).toHaveURL(/sort=freezer_name%2C-site_name/)
  await header('Site').getByRole('button').click() // alone, and after the descending order there is none
  await expect(page).not.toHaveURL(/sort=/)
})

test('the head stays in sight, and rows are 32 px high', async ({ page, openServer }) => {
  await openContainers(page, openServer.url)
  await titles(page).nth(40).scrollIntoViewIfNeeded()
  await page.mouse.wheel(0, 300)
  const head = page.getByRole('columnheader', { name: 'Description' })
  await expect(head).toBeInViewport()
  // Nothing covers it.
  const isOnTop = await head.evaluate((element) => {
    const { left, top, height } = element.getBoundingClientRect()
    return element.contains(document.elementFromPoint(left + 20, top + height / 2))
  })
  expect(isOnTop).toBe(true)
  const heights = await table(page).locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.clientHeight))
  expect([...new Set(heights)]).toEqual([32])
})

test('the chosen columns are in the URL and in the export', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await page.getByRole('button', { name: 'Columns', exact: true }).click()
  const chooser = page.getByRole('dialog', { name: 'Columns' })
  await expect(chooser.getByLabel('Name')).toBeDisabled()
  await chooser.getByLabel('Postcode or ZIP').check()
  await chooser.getByLabel('Address').uncheck()
  await expect(page).toHaveURL(/fields=name%2Ccontact%2Ccountry%2Cpostcode_or_zip/)
  await page.keyboard.press('Escape')
  await expect(page.getByRole('columnheader')).toHaveText(['Name', 'Contact', 'Country', 'Postcode or ZIP'])
  const [header] = await download(page)
  expect(header?.trim()).toBe('id,name,contact,country,postcode_or_zip')
  await page.getByRole('button', { name: 'Columns', exact: true }).click()
  await chooser.getByRole('button', { name: 'Reset columns' }).click()
  await expect(page).not.toHaveURL(/fields=/)
})

test('a view is saved, shared, shown by another user and deleted', async ({ page, securedServer }) => {
  test.slow() // axe
  await signIn(page, securedServer, 'olga', '/app/alerts?sort=-state')
  const name = uniqueName('Mine')
  await addFilter(page, 'Assignee', 'is', { person: 'Olga Berg' })
  await page.getByRole('button', { name: /^Remove filter State/ }).click()
  await page.getByRole('button', { name: 'Views' }).click()
  const views = page.getByRole('dialog', { name: 'Views' })
  await views.getByLabel('Save as view').fill(name)
  await views.getByLabel('Share with all users').check()
  await views.getByRole('button', { name: 'Save' }).click()
  await expect(views.getByRole('button', { name, exact: true })).toHaveAttribute('aria-current', 'true')
  await checkScreen(page, 'grid-views')
  await switchUser(page, securedServer, 'vera', '/app/alerts')
  await expect(chips(page)).toHaveText([/State: Open/, 'Snoozed: No'])
  await page.getByRole('button', { name: 'Views' }).click()
  await expect(views).toContainText('Shared by Olga Berg')
  await expect(views.getByRole('button', { name: `Delete view ${name}` })).toHaveCount(0)
  await views.getByRole('button', { name, exact: true }).click()
  await expect(page).toHaveURL(/sort=-state/)
  await expect(chips(page)).toHaveText(['Snoozed: No', 'Assignee: Olga Berg'])
  await page.goBack()
  await expect(chips(page)).toHaveText([/State: Open/, 'Snoozed: No'])
  await switchUser(page, securedServer, 'olga', '/app/alerts')
  await page.getByRole('button', { name: 'Views' }).click()
  await views.getByRole('button', { name: `Delete view ${name}` }).click()
  await expect(page.getByText(`Deleted ${name}`)).toBeVisible()
  await expect(views.getByRole('button', { name, exact: true })).toHaveCount(0)
})

test('Shift selects a range, and the actions stay in sight', async ({ page, securedServer }) => {
  test.slow() // axe checks fifty rows
  await signIn(page, securedServer, 'olga', '/app/alerts?view=list')
  await expectLoaded(page, 'Alerts')
  const boxes = table(page, 'Alerts').getByRole('rowgroup').nth(1).getByRole('checkbox')
  await boxes.nth(2).check()
  const bar = page.getByRole('region', { name: 'Selected alerts' })
  await expect(bar).toContainText('1 selected')
  await boxes.nth(6).click({ modifiers: ['Shift'] })
  await expect(bar).toContainText('5 selected')
  await expect(bar).toBeInViewport()
  await expect(boxes.nth(4)).toBeChecked()
  await expect(boxes.nth(7)).not.toBeChecked()
  await boxes.nth(4).click({ modifiers: ['Shift'] }) // clears the range from the last click
  await expect(bar).toContainText('2 selected')
  await boxes.nth(2).focus()
  await page.keyboard.press('ArrowDown')
  await expect(boxes.nth(3)).toBeFocused()
  await page.keyboard.press('Space')
  await expect(bar).toContainText('1 selected')
  await checkScreen(page, 'grid-selection')
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
  await expect(bar).toContainText('50 selected')
  // A selection ends with the page, so that no action applies to rows out of sight.
  await page.getByRole('button', { name: 'Next' }).click()
  await expect(bar).toHaveCount(0)
})

test('all matching containers are moved at once, and a range is deleted', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Full')
  const addFreezer = async () => (await callApi(page, 'POST', '/api/v1/freezers', { name, site_id: 14 })).body.id
  const [from, to] = [await addFreezer(), await addFreezer()]
  const lines = Array.from({ length: 60 }, (_, i) => ({ description: `Urine ${i + 1}`, freezer_id: from }))
  expect((await callApi(page, 'POST', '/api/v1/containers', lines)).status).toBe(200)
  await openContainers(page, openServer.url, `?freezer_id=${from}&sort=description`)
  const bar = page.getByRole('region', { name: 'Selected containers' })
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
  await expect(bar).toContainText('50 selected')
  await bar.getByRole('button', { name: 'Select all 60 matching' }).click()
  await expect(bar).toContainText('All 60 selected')
  await bar.getByRole('button', { name: 'Move…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Move 60 containers' })
  await expect(dialog.getByRole('button', { name: 'Plan' })).toBeDisabled()
  await dialog.getByRole('combobox', { name: 'Move to' }).fill(name)
  await expect(targetOptions(page)).toHaveText([/Biobank North, \d+$/, new RegExp(`Biobank North, ${to}$`)])
  await targetOptions(page).nth(1).click()
  await showPlan(page)
  await dialog.getByRole('button', { name: 'Move 60 containers' }).click()
  await expect(page.getByText('60 containers moved')).toBeVisible()
  await expect(page.getByText('No containers match these filters')).toBeVisible()
  await expect(bar).toHaveCount(0)
  const { body: changes } = await callApi(page, 'GET', '/api/v1/changes?table_name=container&sort=-id&limit=60')
  expect(new Set(changes.map((change: { request_id: string }) => change.request_id)).size).toBe(1)

  await page.goto(`${openServer.url}/app/freezers/${to}?tab=contents`)
  await expectLoaded(page, name)
  const region = tabPanel(page, 'Contents')
  await region.getByRole('columnheader', { name: 'Description' }).getByRole('button').click()
  await expect(titles(page).nth(3)).toHaveText('Urine 4')
  const boxes = table(page).locator('tbody').getByRole('checkbox')
  await boxes.nth(1).check()
  await boxes.nth(3).click({ modifiers: ['Shift'] })
  await bar.getByRole('button', { name: 'Delete…' }).click()
  const deletion = page.getByRole('dialog', { name: 'Delete 3 containers?' })
  await expect(deletion.getByRole('button', { name: 'Delete' })).toBeDisabled()
  await deletion.getByLabel('Enter 3 to confirm').fill('3')
  await deletion.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText('3 containers deleted')).toBeVisible()
  await expect(titles(page).nth(1)).toHaveText('Urine 5')
  await expect(region.getByText('1–50 of 57')).toBeVisible()
})

test('a phone shows cards with large targets and an order', async ({ browser, openServer }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true })
  const page = await context.newPage()
  await openContainers(page, openServer.url)
  const card = table(page).getByRole('row').nth(2)
  const [width, cardWidth] = [390, (await card.boundingBox())?.width ?? 0]
  expect(cardWidth).toBeGreaterThan(width - 60)
  const firstTop = (await table(page).getByRole('row').nth(1).boundingBox())?.y ?? 0
  expect(firstTop, 'the first card is on the first screen').toBeLessThan(600)
  const link = await card.getByRole('rowheader').getByRole('link').boundingBox()
  expect(link?.height).toBeGreaterThanOrEqual(36)
  for (const name of ['Add filter', 'Columns'])
    expect((await page.getByRole('button', { name }).boundingBox())?.height, name).toBeGreaterThanOrEqual(36)
  await page.getByLabel('Sort by').selectOption('Description, descending')
  await expect(page).toHaveURL(/sort=-description/)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(overflow).toBe(0)
  await context.close()
})

test('the arrow keys move between rows, and Enter opens one', async ({ page, openServer }) => {
  await openContainers(page, openServer.url, '?sort=id')
  await titles(page).first().getByRole('link').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect(titles(page).nth(2).getByRole('link')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/containers\/[0-9a-f-]{36}$/)
  await page.goBack()
  await expect(titles(page)).toHaveCount(50)
})

test('the containers of a freezer have filters of their own', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/freezers/107?tab=contents`)
  await expectLoaded(page, 'Minus80-B2')
  const region = tabPanel(page, 'Contents')
  await expect(region.getByText(`1–50 of ${await countContainers(page, 'freezer_id=107')}`)).toBeVisible()
  await region.getByRole('searchbox').fill('2956 rack')
  await expect(page).toHaveURL(/[?&]containers\.q=2956\+rack/)
  await expect(region.getByText('1 container', { exact: true })).toBeVisible()
  await expect(titles(page)).toHaveText(['Plasma rack 2956'])
  // Short lists have no toolbar.
  await expect((await openTab(page, 'Todos')).getByRole('table', { name: 'Todos' })).toBeVisible()
  await expect(tabPanel(page, 'Todos').getByRole('searchbox')).toHaveCount(0)
})

test.describe('errors', () => {
  test.use({ expectedErrors: /status of 400/ })
  test('an invalid filter can be removed', async ({ page, openServer }) => {
    await openContainers(page, openServer.url, '?freezer_id=nothing')
    await expect(page.getByText('This address or filter is not valid')).toBeVisible()
    await page.getByRole('button', { name: /^Remove filter/ }).click()
    await expect(titles(page)).toHaveCount(50)
  })
})

test('a barcode is found in the search', async ({ page, openServer }) => {
  await openContainers(page, openServer.url)
  await page.getByRole('searchbox', { name: 'Search containers' }).fill(boxUuid(1234))
  await expect(page.getByText('1 container', { exact: true })).toBeVisible()
})
