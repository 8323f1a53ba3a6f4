import { call, expect, loaded, look, type Page, signIn, test, unique } from './fixtures'
import type { Server } from './server'

// What one does with sites: finding, creating, editing, clashing, deleting, attaching.

/** newSite creates a site of a journey's own. */
async function newSite(page: Page, server: Server, name: string): Promise<number> {
  await page.goto(`${server.url}/app/`)
  const { status, body } = await call(page, 'POST', '/api/v1/sites', { name, contact: 'Ada', address: null, state_or_region: null, country: 'UK', postcode_or_zip: null })
  expect(status).toBe(201)
  return body.id
}

test('filters are in the address, and the way back leads through them', async ({ page, open }) => {
  await page.goto(`${open.url}/app/sites`)
  await loaded(page, 'Sites')
  await expect(page.getByRole('row')).not.toHaveCount(2)
  await page.getByLabel('Name').fill('Site 2')
  await expect(page).toHaveURL(/\?name=Site\+2$/)
  await expect(page.getByRole('row')).toHaveCount(2)
  await page.getByRole('link', { name: 'Site 2' }).click()
  await loaded(page, 'Site 2')
  await page.goBack()
  await loaded(page, 'Sites')
  await expect(page.getByLabel('Name')).toHaveValue('Site 2')
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/sites$/)
  await expect(page.getByLabel('Name')).toHaveValue('')
})

test('what one types while the address is changing stays', async ({ page, open }) => {
  await page.goto(`${open.url}/app/sites`)
  await loaded(page, 'Sites')
  const name = page.getByLabel('Name')
  await name.evaluate((field: HTMLInputElement) => {
    const change = history.replaceState.bind(history)
    history.replaceState = (...given) => {
      change(...given)
      if (!location.search.endsWith('name=Site') || field.value !== 'Site') return
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, 'Site 2') // as a keyboard does, at this very moment
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }
  })
  await name.fill('Site')
  await expect(page).toHaveURL(/\?name=Site\+2$/)
  await expect(name).toHaveValue('Site 2')
  await page.goBack()
  await page.goForward()
  await expect(name).toHaveValue('Site 2')
})

test('on a phone each row is a card, whose cells say what they are', async ({ page, open }) => {
  await page.setViewportSize({ width: 360, height: 740 })
  await page.goto(`${open.url}/app/sites?name=Site+1`)
  await loaded(page, 'Sites')
  const name = await page.getByRole('rowheader', { name: 'Site 1' }).boundingBox()
  const contact = await page.getByRole('cell', { name: 'John Smith' }).boundingBox()
  expect(contact?.y).toBeGreaterThan((name?.y ?? 0) + (name?.height ?? 0) - 1)
  expect(await page.getByRole('cell', { name: 'John Smith' }).evaluate((cell) => getComputedStyle(cell, '::before').content)).toContain('Contact')
})

test.describe('refused', () => {
  test.use({ expected: /status of (400|403|409|412)/ })

  test('a site is created; what the server says stands at the field', async ({ page, open }) => {
    await page.goto(`${open.url}/app/sites/new`)
    await page.getByLabel('Name').fill('   ')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Name')).toHaveAccessibleDescription('must not be blank')
    await expect(page.getByLabel('Name')).toBeFocused()
    await look(page, 'site-refused')
    const name = unique('Iceland')
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Save' }).click()
    await loaded(page, name)
    await expect(page.getByRole('definition')).toHaveCount(6)
  })

  test.describe('by no fault of a field', () => {
    test.use({ expected: /status of 500/ })
    test('the form is back with what one typed, and has the focus', async ({ page, open }) => {
      await page.goto(`${open.url}/app/sites/2`)
      await loaded(page, 'Site 2')
      await page.route('**/api/v1/sites/2', async (route) => {
        if (route.request().method() !== 'PATCH') return route.continue()
        await route.fulfill({ status: 500, json: { title: 'Internal Server Error', status: 500, detail: 'It failed.' } })
      })
      await page.keyboard.press('e')
      await page.getByLabel('Contact').fill('Grace')
      await page.keyboard.press('Enter')
      await expect(page.getByText('It failed.')).toBeVisible()
      await expect(page.getByLabel('Contact')).toHaveValue('Grace')
      await expect(page.getByLabel('Name')).toBeFocused()
    })
  })

  test('two tabs edit one site: nobody loses anything', async ({ page, context, closed }) => {
    await signIn(page, closed, 'olga')
    const id = await newSite(page, closed, unique('Twice'))
    await page.goto(`${closed.url}/app/sites/${id}`)
    const other = await context.newPage()
    await other.goto(`${closed.url}/app/sites/${id}`)
    for (const tab of [page, other]) await tab.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Contact').fill('Grace')
    await page.getByLabel('Country').fill('USA')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Saved')).toBeVisible()
    await other.getByLabel('Contact').fill('Linus')
    await other.getByLabel('Address').fill('1 Harbour Road')
    await other.getByRole('button', { name: 'Save' }).click()
    const dialog = other.getByRole('dialog')
    await expect(dialog).toContainText('Theirs: Grace')
    await expect(dialog).toContainText('They also changed Country: UK → USA')
    await expect(dialog).toContainText('You alone changed Address: – → 1 Harbour Road')
    await look(other, 'conflict')
    await dialog.getByRole('radiogroup', { name: 'Contact' }).getByLabel('Theirs').check()
    await dialog.getByRole('button', { name: 'Save these' }).click()
    await expect(other.getByText('Saved')).toBeVisible()
    const { body } = await call(page, 'GET', `/api/v1/sites/${id}`)
    expect(body).toMatchObject({ contact: 'Grace', country: 'USA', address: '1 Harbour Road', version: 3 })
    await expect(other.getByRole('region', { name: 'History' })).toContainText('Address: – → 1 Harbour Road')
  })

  test('what is saved shows at once, and is taken back when it is refused', async ({ page, open }) => {
    const name = unique('Taken back')
    const id = await newSite(page, open, name)
    await page.goto(`${open.url}/app/sites/${id}`)
    await loaded(page, name)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Name').fill(' ')
    let answer = () => {}
    const asked = new Promise<void>((resolve) => (answer = resolve))
    await page.route(`**/api/v1/sites/${id}`, async (route) => {
      if (route.request().method() === 'GET') return // without an answer: it is not by reading anew that the change is taken back
      await asked
      await route.continue()
    })
    await page.getByLabel('Contact').fill('Charles')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('definition').filter({ hasText: 'Charles' })).toBeVisible() // before there is an answer
    answer()
    await expect(page.getByLabel('Name')).toHaveAccessibleDescription('must not be blank')
    await expect(page.getByLabel('Contact')).toHaveValue('Charles') // what one typed is still there
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect(page.getByRole('definition').filter({ hasText: 'Ada' })).toBeVisible()
  })

  test('what depends on a site is counted before it goes', async ({ page, open }) => {
    const name = unique('Going')
    const id = await newSite(page, open, name)
    for (const freezer of ['-20C', '-80C']) await call(page, 'POST', '/api/v1/freezers', { name: freezer, site_id: id })
    await page.goto(`${open.url}/app/sites/${id}`)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText('It is still in use by 2 freezers.')
    await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
    await dialog.getByLabel('Delete those, too').check()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await loaded(page, 'Sites')
    await expect(page.getByRole('link', { name })).toHaveCount(0)
  })

  test('a viewer who asks the server anyway is refused', async ({ page, closed }) => {
    await signIn(page, closed, 'vera')
    const { status, body } = await call(page, 'PATCH', '/api/v1/sites/1', { country: 'Mine' })
    expect([status, body.title]).toEqual([403, 'Forbidden'])
  })
})

test('files are sent with their progress, listed and deleted', async ({ page, open }) => {
  const id = await newSite(page, open, unique('Files'))
  await page.goto(`${open.url}/app/sites/${id}`)
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Add files' }).click()
  await (await chooser).setFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('Frosted over since Friday.') })
  const table = page.getByRole('table', { name: 'Attachments' })
  await expect(table.getByRole('link', { name: 'notes.txt' })).toBeVisible()
  await expect(table).toContainText('26 B')
  await look(page, 'files')
  const download = page.waitForEvent('download')
  await table.getByRole('link', { name: 'notes.txt' }).click()
  expect((await download).suggestedFilename()).toBe('notes.txt')
  await table.getByRole('button', { name: 'Delete notes.txt' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText('No files')).toBeVisible()
})

test('of a long list only what is in sight is in the page, and the last row can be reached', async ({ page, open }) => {
  await page.goto(`${open.url}/app/`)
  const country = unique('Far')
  const lines = Array.from({ length: 250 }, (_, i) => ({ name: `Outpost ${i + 1}`, contact: null, address: null, state_or_region: null, country, postcode_or_zip: null }))
  expect((await call(page, 'POST', '/api/v1/sites', lines)).status).toBe(200)
  await page.goto(`${open.url}/app/sites?country=${encodeURIComponent(country)}`)
  await loaded(page, 'Sites')
  for (const size of [200, 250]) {
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect(page.getByRole('table', { name: 'Sites' })).toHaveAttribute('aria-rowcount', String(size + 1))
  }
  await expect(page.getByText('All 250 rows')).toBeAttached()
  expect(await page.getByRole('row').count()).toBeLessThan(100)
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
  const last = page.getByRole('link', { name: 'Outpost 250' })
  await expect(last).toBeInViewport()
  await page.getByRole('link', { name: 'Outpost 249' }).focus()
  await page.keyboard.press('ArrowDown')
  await expect(last).toBeFocused()
  await page.evaluate(() => scrollTo(0, 0))
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click()
  await expect(page.getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'ascending')
  await expect(page.getByRole('rowheader').first()).toHaveText('Outpost 1')
  await expect(page.getByRole('rowheader').nth(1)).toHaveText('Outpost 2') // as people count, not as text: 10 comes later
})
