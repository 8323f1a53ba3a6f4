import { readFileSync } from 'node:fs'

import { boxUuid } from './bigLab'
import { countClicks, expectClicks } from './clicks'
import { checkScreen, expect, expectLoaded, type Page, signIn, test, uniqueName } from './fixtures'
import { addBoxes, addContainer, addFreezer } from './storageLab'

// Labels of containers: preview, settings, used labels of a sheet, and the files.

const dialog = (page: Page) => page.getByRole('dialog')
const preview = (page: Page) => dialog(page).getByRole('img', { name: 'Preview of the first label' })
const bar = (page: Page) => page.getByRole('region', { name: 'Selected containers' })

/** download clicks a link and returns the file. */
async function download(page: Page, name: string): Promise<{ name: string; content: string; url: URL }> {
  const started = page.waitForEvent('download')
  await dialog(page).getByRole('link', { name }).click()
  const file = await started
  return { name: file.suggestedFilename(), content: readFileSync(await file.path(), 'latin1'), url: new URL(file.url()) }
}

test('5: labels for 20 containers', async ({ page, openServer }) => {
  test.slow() // axe
  await page.goto(`${openServer.url}/app/`)
  const freezer = await addFreezer(page, uniqueName('Minus80-L'))
  const lot = await addBoxes(page, freezer, 20, { project: 'Cohort 12' })
  await page.goto(`${openServer.url}/app/containers?q=${lot}&sort=-barcode`)
  await expectLoaded(page, 'Containers')
  const clicks = await countClicks(page)
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).click()
  await bar(page).getByRole('button', { name: 'Print labels' }).click()
  await expect(page.getByRole('dialog', { name: 'Print 20 labels' })).toBeVisible()
  await expect(preview(page).locator('text')).toHaveText([/^Mouse/, new RegExp(`^${lot.slice(0, 8)}`), 'Cohort 12'])
  await expect(dialog(page)).toContainText('Print at 100 %')
  const { name, content, url } = await download(page, 'Download PDF')
  expectClicks('5 (print labels of 20 boxes)', clicks(), 4)
  expect(name).toBe('labels.pdf')
  expect(content).toMatch(/^%PDF-/)
  expect(url.searchParams.get('uuid__in')?.split(',')).toHaveLength(20)
  expect(url.searchParams.get('sort')).toBe('-barcode')
  // The link opens another tab. The headless browser has no viewer for PDF: it downloads.
  await expect(dialog(page).getByRole('link', { name: 'Open PDF' })).toHaveAttribute('target', '_blank')
  await checkScreen(page, 'labels')
})

test('the settings are remembered, and the used labels of a sheet are left out', async ({ page, openServer }) => {
  test.slow() // axe
  await page.goto(`${openServer.url}/app/containers?q=plasma&sort=description`)
  await expectLoaded(page, 'Containers')
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
  await bar(page).getByRole('button', { name: /^Select all .* matching/ }).click()
  await bar(page).getByRole('button', { name: 'Print labels' }).click()
  await dialog(page).getByLabel('Labels', { exact: true }).selectOption('avery-l7159')
  await dialog(page).getByRole('button', { name: 'Data Matrix' }).click()
  await dialog(page).getByLabel('Labels already used').fill('5')
  const cells = dialog(page).locator('[aria-hidden] > button') // the drawing of the sheet is for the mouse only
  await expect(cells).toHaveCount(24)
  await expect(dialog(page).locator('[data-state=used]')).toHaveCount(5)
  await cells.nth(9).click()
  await expect(dialog(page).getByLabel('Labels already used')).toHaveValue('9')
  const { url, content } = await download(page, 'Download PDF')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    q: 'plasma',
    sort: 'description',
    template: 'avery-l7159',
    symbology: 'datamatrix',
    skip: '9',
  })
  expect(content.length).toBeGreaterThan(100_000) // thousands of labels
  await page.reload()
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
  await bar(page).getByRole('button', { name: 'Print labels' }).click()
  await expect(dialog(page).getByLabel('Labels', { exact: true })).toHaveValue('avery-l7159')
  await expect(dialog(page).getByRole('button', { name: 'Data Matrix' })).toHaveAttribute('aria-pressed', 'true')
})

test('a label printer gets ZPL', async ({ page, openServer }) => {
  test.slow() // axe
  await page.goto(`${openServer.url}/app/containers/${boxUuid(5)}`)
  await expectLoaded(page, 'Mouse serum, cohort 4')
  await page.keyboard.press('l')
  await expect(page.getByRole('dialog', { name: 'Print label' })).toBeVisible()
  await dialog(page).getByLabel('Labels', { exact: true }).selectOption('roll-50x25')
  await dialog(page).getByLabel('Printer resolution').selectOption('300 dpi')
  await expect(dialog(page).getByLabel('Labels already used')).toHaveCount(0)
  await dialog(page).getByRole('combobox', { name: 'Lines of text' }).press('ArrowDown')
  await dialog(page).getByRole('option', { name: 'Project' }).click() // removes the line
  await dialog(page).getByRole('option', { name: 'Freezer', exact: true }).click()
  await page.keyboard.press('Escape')
  await expect(preview(page).locator('text')).toHaveText([/^Mouse serum, co/, 'Minus80-B1'])
  await checkScreen(page, 'labels-roll')
  const { name, content } = await download(page, 'Download ZPL')
  expect(name).toBe('labels.zpl')
  expect(content).toMatch(/^\^XA[^]*\^XZ\s*$/)
})

test.describe('labels that do not fit', () => {
  test.use({ expectedErrors: /status of 400/ })

  test('the container whose code is too long is named before the files are opened', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/`)
    const freezer = await addFreezer(page, uniqueName('Minus80-L'))
    await addContainer(page, { description: 'Short', freezer_id: freezer })
    const uuid = await addContainer(page, { description: 'Tube', freezer_id: freezer, barcode: uniqueName('x'.repeat(180)) })
    await page.goto(`${openServer.url}/app/containers?freezer_id=${freezer}&sort=description`)
    await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check()
    await bar(page).getByRole('button', { name: 'Print labels' }).click()
    await dialog(page).getByLabel('Labels', { exact: true }).selectOption('roll-24x12')
    await expect(dialog(page).getByRole('alert').filter({ hasText: uuid })).toContainText(/larger label/)
    await expect(dialog(page).getByRole('link')).toHaveCount(0)
    await dialog(page).getByLabel('Labels', { exact: true }).selectOption('roll-102x51')
    await expect(dialog(page).getByRole('link', { name: 'Open PDF' })).toBeVisible()
  })
})

test('a viewer prints labels of a selection in a freezer', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/freezers/107?tab=contents')
  await page.getByRole('table').getByRole('checkbox').nth(1).check()
  await page.getByRole('button', { name: 'Print labels' }).click()
  expect((await download(page, 'Download PDF')).content).toMatch(/^%PDF-/)
})

test('a viewer prints the label of a container', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', `/app/containers/${boxUuid(8)}`)
  await page.getByRole('button', { name: 'Print label' }).click()
  await expect(preview(page).locator('text').first()).toHaveText(/^Lot/)
  expect((await download(page, 'Download PDF')).content).toMatch(/^%PDF-/)
})
