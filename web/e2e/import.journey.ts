import { readFileSync } from 'node:fs'

import { call, expect, loaded, look, type Page, signIn, test } from './fixtures'

// What one does with a spreadsheet: look at it, have it checked, mend it, store it.

const csv = (content: string, name = 'freezers.csv') => ({ name, mimeType: 'text/csv', buffer: Buffer.from(content) })

async function choose(page: Page, file: ReturnType<typeof csv>) {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: /^Choose a/ }).click()
  await (await chooser).setFiles(file)
  await expect(page.getByText(file.name)).toBeVisible()
}

test.describe('refused', () => {
  test.use({ expected: /status of (400|403)/ })

  test('every bad cell is shown; mended, the file is stored, and the history has it', async ({ page, closed }) => {
    await signIn(page, closed, 'olga', '/app/import?into=freezers')
    await loaded(page, 'Import')
    await expect(page.getByLabel('What it is').getByRole('option', { name: 'Users' })).toHaveCount(0)
    const tag = `Minus ${Date.now() % 1e8}`
    await choose(page, csv(`name;Site;colour\n${tag};1;white\n;1;red\n"${tag},\nb";99;"a\nb"\n${tag} c\n${tag} d;x;\n`))
    await expect(page.getByRole('combobox', { name: 'Site' })).toHaveValue('site_id')
    await expect(page.getByRole('combobox', { name: 'colour' })).toHaveValue('')
    const preview = page.getByRole('table', { name: 'Rows of the file' })
    await expect(preview.getByRole('row')).toHaveCount(6)
    await look(page, 'import-preview')
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByRole('heading', { name: '4 things to mend' })).toBeVisible()
    const bad = { 3: 'must not be empty', 4: 'there is no site 99', 7: 'has one cell, but the header has 3', 8: 'must be a whole number' }
    await expect(preview.locator('[data-fault]')).toHaveCount(4)
    for (const [line, message] of Object.entries(bad)) await expect(preview.getByRole('row').filter({ has: page.getByRole('rowheader', { name: new RegExp(`^${line}`) }) })).toContainText(message)
    await expect(preview.getByRole('cell', { name: /^99 / })).toContainText('there is no site 99') // at the very cell
    await expect(page.getByRole('table', { name: 'Things to mend' }).getByRole('rowheader')).toHaveText(['3', '4', '7', '8'])
    await look(page, 'import-faults')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download the list' }).click()
    const list = await download
    expect(list.suggestedFilename()).toBe('freezers-to-mend.csv')
    expect(readFileSync(await list.path(), 'utf8')).toContain('4,"site_id","there is no site 99"')

    await choose(page, csv(`name;Site;colour\n${tag};1;white\n"${tag},\nb";2;"a\nb"\n`, 'mended.csv'))
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByText('2 rows would be created, 0 rows would be updated.')).toBeVisible()
    await look(page, 'import-checked')
    expect((await call(page, 'GET', `/api/v1/freezers?name=${encodeURIComponent(tag)}`)).body).toEqual([]) // nothing is stored yet
    await page.getByRole('button', { name: 'Import' }).click()
    await expect(page.getByText('2 rows were created, 0 rows were updated.')).toBeVisible()
    await look(page, 'import-done')
    expect((await call(page, 'GET', `/api/v1/freezers?name=${encodeURIComponent(`${tag},\nb`)}`)).body).toMatchObject([{ site_id: 2 }])
    await page.getByRole('link', { name: 'See what changed' }).click()
    await loaded(page, 'History')
    await expect(page.getByText('2 changes')).toBeVisible()
    const changes = page.getByRole('list', { name: 'Changes, the newest first' })
    await expect(changes.getByText('olga created freezer')).toHaveCount(2)
    await changes.locator('summary').last().click()
    await expect(changes).toContainText(`Name: – → ${tag}`)
  })

  test('a bad row far down is shown, too; a column that is missing is told', async ({ page, open }) => {
    await page.goto(`${open.url}/app/import`)
    await loaded(page, 'Import')
    const lines = Array.from({ length: 30_000 }, (_, i) => `Place ${i},"not, wanted",UK`)
    await choose(page, csv(`title,note,country\n${lines.join('\n')}\n,x,Nowhere\n`, 'places.csv'))
    await expect(page.getByText('Needed, but no column is it: Name.')).toBeVisible()
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByRole('table', { name: 'Things to mend' })).toContainText('is missing')
    await page.getByRole('combobox', { name: 'title' }).selectOption('Name')
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByRole('heading', { name: 'One thing to mend' })).toBeVisible({ timeout: 30_000 })
    const row = page.getByRole('table', { name: 'Rows of the file' }).getByRole('row').nth(1)
    await expect(row).toContainText('30002')
    await expect(row).toContainText('Nowhere')
    await expect(row.locator('[data-fault]')).toHaveText('must not be empty')
  })

  test('the rows to mend are to be seen below a long list of what is wrong', async ({ page, open }) => {
    await page.goto(`${open.url}/app/import`)
    await loaded(page, 'Import')
    await choose(page, csv(`name,country\n${',Nowhere\n'.repeat(300)}`, 'nameless.csv'))
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByRole('heading', { name: '300 things to mend' })).toBeVisible()
    await page.getByRole('heading', { name: 'Rows to mend' }).scrollIntoViewIfNeeded()
    await page.mouse.wheel(0, 400)
    await expect(page.getByRole('table', { name: 'Rows of the file' }).getByRole('rowheader', { name: '2', exact: true })).toBeInViewport()
  })

  test('a viewer is refused', async ({ page, closed }) => {
    await signIn(page, closed, 'vera', '/app/import')
    await expect(page.getByText('You may not see this')).toBeVisible()
    await expect(page.getByRole('link', { name: 'Import' })).toHaveCount(0)
    const status = await page.evaluate(async () => (await fetch('/api/v1/sites', { method: 'POST', headers: { 'Content-Type': 'text/csv' }, body: 'name\nMine\n' })).status)
    expect(status).toBe(403)
  })
})

test('rows with a number are updated; a file can be dropped', async ({ page, open }) => {
  await page.goto(`${open.url}/app/import?into=freezers`)
  await loaded(page, 'Import')
  const made = await call(page, 'POST', '/api/v1/freezers', { name: 'Before', site_id: 1 })
  const data = await page.evaluateHandle(
    ([content]) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([content as string], 'dropped.csv', { type: 'text/csv' }))
      return transfer
    },
    [`Number,Name,Site\n${made.body.id},After,1\n,New,1\n`],
  )
  await page.getByText('or drop a CSV file here.').dispatchEvent('drop', { dataTransfer: data })
  await expect(page.getByText('dropped.csv')).toBeVisible()
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByRole('button', { name: 'Import' }).click()
  await expect(page.getByText('One row was created, one row was updated.')).toBeVisible()
  expect((await call(page, 'GET', `/api/v1/freezers/${made.body.id}`)).body.name).toBe('After')
})

test('by keys alone', async ({ page, open }) => {
  await page.goto(`${open.url}/app/`)
  await loaded(page, 'Home')
  await page.keyboard.press('g')
  await page.keyboard.press('m')
  await loaded(page, 'Import')
  await page.keyboard.press('Tab')
  await expect(page.getByLabel('What it is')).toBeFocused()
  await page.keyboard.press('Tab')
  const chooser = page.waitForEvent('filechooser')
  await page.keyboard.press('Enter')
  const name = `Keys ${Date.now() % 1e8}`
  await (await chooser).setFiles(csv(`name,country\n${name},UK\n`, 'keys.csv'))
  const press = async (button: string) => {
    await expect(page.getByRole('button', { name: button })).toBeVisible()
    for (let i = 0; i < 20 && !(await page.getByRole('button', { name: button }).evaluate((one) => one === document.activeElement)); i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
  }
  await press('Check')
  await expect(page.getByText('One row would be created')).toBeVisible()
  await press('Import')
  await expect(page.getByText('One row was created, 0 rows were updated.')).toBeVisible()
})
