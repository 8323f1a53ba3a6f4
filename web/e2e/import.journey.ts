import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import type { FileChooser } from '@playwright/test'

import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, test, uniqueName } from './fixtures'
import { typeByHand } from './scanner'

// CSV import: preview, check, correction and import.

const csvFile = (content: string, name = 'freezers.csv') => ({
  name,
  mimeType: 'text/csv',
  buffer: Buffer.from(content),
})

async function chooseFile(page: Page, file: ReturnType<typeof csvFile>) {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: /^Choose / }).click()
  await (await chooser).setFiles(file)
  await expect(page.getByText(`${file.name}, `)).toBeVisible()
}

const grid = (page: Page) => page.getByRole('grid', { name: 'Rows of the file' })
const cell = (page: Page, row: number, column: number) =>
  grid(page).getByRole('row').nth(row).getByRole('gridcell').nth(column)
const errorList = (page: Page) => page.getByRole('region', { name: 'Errors' }).getByRole('listitem')

/** enter types a text into the active cell of the grid. */
async function enter(page: Page, text: string) {
  await typeByHand(page, text)
  await page.keyboard.press('Enter')
}

const check = (page: Page) => page.getByRole('button', { name: 'Check' }).click()

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|403)/ })

  test('every invalid cell is shown and corrected in place, and the rows are imported and in Activity', async ({
    page,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'olga', '/app/import?into=freezers')
    await expectLoaded(page, 'Import')
    await expect(page.getByLabel('Import into').getByRole('option', { name: 'Users' })).toHaveCount(0)
    const namePrefix = `Minus ${Date.now() % 1e8}`
    const records = [
      'name;Site;colour',
      `${namePrefix};1;white`,
      ';1;red',
      `"${namePrefix},\nb";99;"a\nb"`,
      `${namePrefix} c`,
      `${namePrefix} d;x;`,
    ]
    await chooseFile(page, csvFile(`${records.join('\n')}\n`))
    const columns = page.getByRole('region', { name: 'Columns' })
    await expect(columns.getByRole('combobox', { name: 'Site' })).toHaveValue('site_id')
    await expect(columns.getByRole('combobox', { name: 'colour' })).toHaveValue('')
    await expect(grid(page).getByRole('row')).toHaveCount(6)
    await checkScreen(page, 'import-preview')
    await check(page)
    await expect(errorList(page)).toHaveText([
      'Row 2, Name Required',
      'Row 3, Site There is no site 99',
      'Row 4 Has 1 cell, but the header has 3',
      'Row 5, Site There is no site named “x”',
    ])
    await expect(grid(page).locator('[aria-invalid=true]')).toHaveCount(3)
    await expect(cell(page, 3, 1)).toHaveAttribute('aria-invalid', 'true')
    await checkScreen(page, 'import-errors')
    await page.getByRole('button', { name: 'Row 2, Name' }).click()
    await expect(page.getByRole('textbox', { name: 'Name, row 2' })).toHaveAccessibleDescription('Required')
    await enter(page, `${namePrefix} a`)
    await page.getByRole('button', { name: 'Row 3, Site' }).click()
    await enter(page, '2')
    await page.keyboard.press('2') // the missing cell of the next row
    await page.keyboard.press('Enter')
    await expect(errorList(page)).toHaveCount(1)
    await page.getByRole('button', { name: 'Row 5, Site' }).click()
    await page.getByRole('button', { name: 'Remove row' }).click()
    await expect(errorList(page)).toHaveCount(0)
    await check(page)
    await expect(page.getByText('4 rows to create, 0 rows to update.')).toBeVisible()
    await checkScreen(page, 'import-checked')
    // The check stores nothing.
    expect((await callApi(page, 'GET', `/api/v1/freezers?name=${encodeURIComponent(namePrefix)}`)).body).toEqual([])
    // A change after the check must be checked.
    await cell(page, 4, 0).click()
    await page.keyboard.press('Delete')
    await expect(page.getByRole('button', { name: 'Import' })).toHaveCount(0)
    await page.keyboard.press('Control+z')
    await page.getByRole('button', { name: 'Import' }).click()
    await expect(page.getByText('4 rows created, 0 rows updated.')).toBeVisible()
    await checkScreen(page, 'import-done')
    expect(
      (await callApi(page, 'GET', `/api/v1/freezers?name=${encodeURIComponent(`${namePrefix},\nb`)}`)).body,
    ).toMatchObject([{ site_id: 2 }])
    await page.getByRole('link', { name: 'View in Activity' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Change set \d+$/)
    await expect(page.getByText('4 changes')).toBeVisible()
    const changes = page.getByRole('table', { name: 'Changes, newest first' }).locator('tbody')
    await expect(changes.getByRole('row').filter({ hasText: 'Created' })).toHaveCount(4)
    await changes.locator('summary').last().click()
    await expect(changes).toContainText(`Name: – → ${namePrefix}`)
  })

  test('names stand for freezers, and the choice between equal names is offered', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/import?into=containers`)
    await expectLoaded(page, 'Import')
    const name = uniqueName('Named')
    const rows = [
      `${name} 1,Minus80-B2`,
      `${name} 2,minus80-b3 (biobank west)`,
      `${name} 3,Minus80-B2`,
      `${name} 4,Nowhere`,
      `${name} 5,107`,
      `${name} 6,Minus80-B2 (Biobank North)`,
    ]
    await chooseFile(page, csvFile(`Description,Freezer\n${rows.join('\n')}\n`, 'named.csv'))
    await check(page)
    await expect(errorList(page)).toHaveText([
      'Row 1, Freezer 5 freezers are named “Minus80-B2”. Choose one below',
      'Row 3, Freezer 5 freezers are named “Minus80-B2”. Choose one below',
      'Row 4, Freezer There is no freezer named “Nowhere”',
      'Row 6, Freezer 2 freezers are named “Minus80-B2 (Biobank North)”. Choose one below',
    ])
    await checkScreen(page, 'import-names')
    const choice = (text: string) => page.getByRole('combobox', { name: `Freezer: ${text}`, exact: true })
    await choice('Minus80-B2').selectOption('Minus80-B2 (Biobank West)')
    await expect(cell(page, 3, 1)).toHaveText('Minus80-B2 (Biobank West)')
    await choice('Minus80-B2 (Biobank North)').selectOption('Minus80-B2 (Biobank North), ID 117')
    await expect(errorList(page)).toHaveCount(1)
    await cell(page, 4, 1).click()
    await page.keyboard.insertText('Minus80-B2 (Biobank West)')
    await page.keyboard.press('Enter')
    await check(page)
    await expect(page.getByText('6 rows to create, 0 rows to update.')).toBeVisible()
    await page.getByRole('button', { name: 'Import' }).click()
    await expect(page.getByText('6 rows created, 0 rows updated.')).toBeVisible()
    const query = `description__startswith=${encodeURIComponent(name)}&sort=description`
    const { body } = await callApi(page, 'GET', `/api/v1/containers?${query}`)
    expect(body.map(({ freezer_id }: { freezer_id: number }) => freezer_id)).toEqual([107, 108, 107, 107, 107, 117])
    await page.getByRole('link', { name: 'View containers' }).click()
    await expectLoaded(page, 'Containers')
  })

  test('an invalid row far down and a missing column are shown', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/import`)
    await expectLoaded(page, 'Import')
    const lines = Array.from({ length: 30_000 }, (_, i) => `Place ${i},"not, wanted",UK`)
    await chooseFile(page, csvFile(`title,note,country\n${lines.join('\n')}\n,x,Nowhere\n`, 'places.csv'))
    await expect(page.getByText('Missing required column: Name.')).toBeVisible()
    await check(page)
    const errors = page.getByRole('table', { name: 'Errors' })
    await expect(errors.getByRole('cell', { name: 'Required', exact: true })).toBeVisible()
    await page.getByRole('combobox', { name: 'title' }).selectOption('Name')
    await check(page)
    await expect(page.getByRole('heading', { name: '1 error' })).toBeVisible({ timeout: 30_000 })
    const row = page.getByRole('table', { name: 'Rows of the file' }).getByRole('row').nth(1)
    await expect(row).toContainText('30002')
    await expect(row).toContainText('Nowhere')
    await expect(row.locator('[data-cell-error]')).toHaveText('Required')
    await checkScreen(page, 'import-file-errors')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download errors' }).click()
    const list = await download
    expect(list.suggestedFilename()).toBe('places-errors.csv')
    expect(readFileSync(await list.path(), 'utf8')).toContain('30002,"name","Required"')
  })

  test('names in a long file stand for sites', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/import?into=freezers`)
    await expectLoaded(page, 'Import')
    const name = uniqueName('Long')
    const lines = Array.from({ length: 2500 }, (_, i) => `${name} ${i},${i % 2 ? 'Biobank North' : 'Oslo clinic'}`)
    await chooseFile(page, csvFile(`name,site\n${lines.join('\n')}\n`, 'long.csv'))
    await check(page)
    await page
      .getByRole('combobox', { name: 'Site: Biobank North' })
      .selectOption('Biobank North (4 Harbour Road)', { timeout: 30_000 })
    await check(page)
    await expect(page.getByText('2,500 rows to create, 0 rows to update.')).toBeVisible({ timeout: 30_000 })
    await page.getByRole('button', { name: 'Import' }).click()
    await expect(page.getByText('2,500 rows created, 0 rows updated.')).toBeVisible({ timeout: 30_000 })
    const query = `name=${encodeURIComponent(`${name} 2499`)}`
    expect((await callApi(page, 'GET', `/api/v1/freezers?${query}`)).body).toMatchObject([{ site_id: 14 }])
  })

  test('invalid rows are visible below a long error list', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/import`)
    await expectLoaded(page, 'Import')
    // The quote makes the file malformed, so that it is not shown in a grid.
    await chooseFile(page, csvFile(`name,country\n${',Nowhere\n'.repeat(300)}"A"b,UK\n`, 'nameless.csv'))
    await check(page)
    await expect(page.getByRole('heading', { name: '301 errors' })).toBeVisible()
    await page.getByRole('heading', { name: 'Rows with errors' }).scrollIntoViewIfNeeded()
    await page.mouse.wheel(0, 400)
    await expect(
      page.getByRole('table', { name: 'Rows of the file' }).getByRole('rowheader', { name: '2', exact: true }),
    ).toBeInViewport()
  })

  test('a viewer cannot import', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'vera', '/app/import')
    await expect(page.getByText('You don’t have access')).toBeVisible()
    await expect(page.getByRole('link', { name: 'Import' })).toHaveCount(0)
    const status = await page.evaluate(
      async () =>
        (
          await fetch('/api/v1/sites', {
            method: 'POST',
            headers: { 'Content-Type': 'text/csv' },
            body: 'name\nMine\n',
          })
        ).status,
    )
    expect(status).toBe(403)
  })
})

test('rows with an ID are updated, and a file can be dropped', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/import?into=freezers`)
  await expectLoaded(page, 'Import')
  const created = await callApi(page, 'POST', '/api/v1/freezers', { name: 'Before', site_id: 1 })
  const data = await page.evaluateHandle(
    ([content]) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([content as string], 'dropped.csv', { type: 'text/csv' }))
      return transfer
    },
    [`ID,Name,Site\n${created.body.id},After,1\n,New,1\n`],
  )
  await page.getByText('or drop a CSV file here.').dispatchEvent('drop', { dataTransfer: data })
  await expect(page.getByText('dropped.csv')).toBeVisible()
  await check(page)
  await page.getByRole('button', { name: 'Import' }).click()
  await expect(page.getByText('1 row created, 1 row updated.')).toBeVisible()
  expect((await callApi(page, 'GET', `/api/v1/freezers/${created.body.id}`)).body.name).toBe('After')
})

test('an import changes only the columns of the file, and counts cleared values', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/import`)
  await expectLoaded(page, 'Import')
  const names = [uniqueName('Twin'), uniqueName('Twin')]
  const [first, second] = await Promise.all(
    names.map(async (name) => {
      const fields = { name, contact: 'Kari', address: '1 Quay', state_or_region: null, country: 'Norway' }
      return (await callApi(page, 'POST', '/api/v1/sites', { ...fields, postcode_or_zip: null })).body
    }),
  )
  const site = async ({ id }: { id: number }) => (await callApi(page, 'GET', `/api/v1/sites/${id}`)).body
  const content = [
    '\ufeff\ufeff id ; Name;Land;Contact;;',
    `${second.id};${names[1]} B;;"a;b";;`,
    `${first.id};${names[0]} B;Spain;;;`,
    ';;;;;',
    ';;;;;',
  ]
  // Excel writes a carriage return alone in some versions, and quotes cells that contain a delimiter.
  await chooseFile(page, csvFile(content.join('\r'), 'semicolons.csv'))
  await page.getByRole('combobox', { name: 'Contact' }).selectOption('Ignore')
  await page.getByRole('combobox', { name: 'Land' }).selectOption('Country')
  const columns = page.getByRole('region', { name: 'Columns' })
  await expect(columns).toContainText('Not in the file: Contact, Address, State or region, Postcode or ZIP.')
  await expect(columns).toContainText('Empty cells clear the values of existing rows: Country.')
  await expect(columns).not.toContainText('New rows need')
  await expect(grid(page).getByRole('row')).toHaveCount(3)
  await check(page)
  await expect(page.getByText('0 rows to create, 2 rows to update.')).toBeVisible()
  await expect(page.getByText('1 value of existing rows will be cleared by empty cells in Country.')).toBeVisible()
  expect(await site(first)).toEqual(first)
  expect(await site(second)).toEqual(second)
  await page.getByRole('button', { name: 'Import' }).click()
  await expect(page.getByText('1 value of existing rows was cleared by empty cells in Country.')).toBeVisible()
  const unchanged = { contact: 'Kari', address: '1 Quay' }
  expect(await site(first)).toMatchObject({ ...unchanged, name: `${names[0]} B`, country: 'Spain' })
  expect(await site(second)).toMatchObject({ ...unchanged, name: `${names[1]} B`, country: null })
  // A column of the file with an empty cell clears the value.
  await chooseFile(page, csvFile(`id,contact\n${first.id},\n,\n`, 'cleared.csv'))
  await expect(columns).toContainText('New rows need: Name.')
  await check(page)
  await expect(page.getByText('1 value of existing rows will be cleared by empty cells in Contact.')).toBeVisible()
  await page.getByRole('button', { name: 'Import' }).click()
  await expect(page.getByText('0 rows created, 1 row updated.')).toBeVisible()
  expect(await site(first)).toMatchObject({ contact: null, address: '1 Quay', country: 'Spain' })
})

test('a file that is no text is named and not shown', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/import?into=computers`)
  await expectLoaded(page, 'Import')
  await chooseFile(page, csvFile('PK\x03\x04rest', 'lab.xlsx'))
  await expect(page.getByRole('alert')).toHaveText(
    'lab.xlsx is a spreadsheet (.xlsx, .ods) or a ZIP archive. Save the sheet as CSV.',
  )
  await expect(page.getByRole('table')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Check' })).toHaveCount(0)
  await chooseFile(page, { ...csvFile('', 'utf16.csv'), buffer: Buffer.from('\ufeffname\n', 'utf16le') })
  await expect(page.getByText('utf16.csv is UTF-16 text. Save the file as UTF-8.')).toBeVisible()
})

test.describe('a file that changed', () => {
  test.use({ expectedErrors: /ERR_UPLOAD_FILE_CHANGED/ })

  test('a long file that changed after it was chosen is not imported', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/import`)
    await expectLoaded(page, 'Import')
    const name = uniqueName('Changed')
    const path = join(mkdtempSync(join(tmpdir(), 'import-')), 'changed.csv')
    const rows = `name\n${`${name}\n`.repeat(2500)}`
    writeFileSync(path, rows)
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose file' }).click()
    await (await chooser).setFiles(path)
    await check(page)
    await expect(page.getByText('2,500 rows to create, 0 rows to update.')).toBeVisible({ timeout: 30_000 })
    writeFileSync(path, `${rows}${name} B\n`)
    await page.getByRole('button', { name: 'Import' }).click()
    await expect(page.getByText('The file may have changed. Choose it again.')).toBeVisible()
    expect((await callApi(page, 'GET', `/api/v1/sites?name=${encodeURIComponent(name)}`)).body).toEqual([])
    rmSync(dirname(path), { recursive: true })
  })
})

test('import works by keyboard only', async ({ page, openServer }) => {
  const choosers: FileChooser[] = []
  page.on('filechooser', (chooser) => choosers.push(chooser)) // early: until it is set, Chromium drops them
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  await expect(page.getByRole('link', { name: 'Import' })).toBeVisible() // its shortcut works
  await page.keyboard.press('g')
  await page.keyboard.press('m')
  await expectLoaded(page, 'Import')
  await page.keyboard.press('Tab')
  await expect(page.getByLabel('Import into')).toBeFocused()
  await page.keyboard.press('Tab')
  const download = page.waitForEvent('download')
  await page.keyboard.press('Enter')
  const template = await download
  expect(template.suggestedFilename()).toBe('sites.csv')
  expect(readFileSync(await template.path(), 'utf8')).toContain('Name,Contact,Address,')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('button', { name: 'Choose file' })).toBeFocused()
  const name = `Keys ${Date.now() % 1e8}`
  const file = csvFile(`name,country\n${name},UK\n`, 'keys.csv')
  await page.keyboard.press('Enter')
  await expect.poll(() => choosers.length).toBe(1)
  await choosers[0]?.setFiles(file)
  const pressButton = async (button: string) => {
    await expect(page.getByRole('button', { name: button })).toBeVisible()
    for (
      let i = 0;
      i < 20 &&
      !(await page.getByRole('button', { name: button }).evaluate((element) => element === document.activeElement));
      i++
    )
      await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
  }
  await pressButton('Check')
  await expect(page.getByText('1 row to create, 0 rows to update.')).toBeVisible()
  await pressButton('Import')
  await expect(page.getByText('1 row created, 0 rows updated.')).toBeVisible()
})
