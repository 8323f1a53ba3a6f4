import { openTab } from './detailPage'
import { addFilter, chips } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, startDeletion, test, uniqueName } from './fixtures'
import type { Server } from './server'

// Sites: filters, creation, edit conflicts, deletion and attachments.

/** newSite creates a site for one test. */
async function newSite(page: Page, server: Server, name: string): Promise<number> {
  await page.goto(`${server.url}/app/`)
  const { status, body } = await callApi(page, 'POST', '/api/v1/sites', {
    name,
    contact: 'Ada',
    address: null,
    state_or_region: null,
    country: 'UK',
    postcode_or_zip: null,
  })
  expect(status).toBe(201)
  return body.id
}

test('filters are stored in the URL and restored by the back button', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  await expect(page.getByRole('row')).not.toHaveCount(2)
  await addFilter(page, 'Name', 'is', { text: 'Site 2' })
  await expect(page).toHaveURL(/\?name=Site\+2$/)
  await expect(page.getByRole('row')).toHaveCount(2)
  await page.getByRole('link', { name: 'Site 2' }).click()
  await expectLoaded(page, 'Site 2')
  await page.goBack()
  await expectLoaded(page, 'Sites')
  await expect(chips(page)).toHaveText([/Name: Site 2/])
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/sites$/)
  await expect(chips(page)).toHaveCount(0)
})

test('text typed while the URL changes is kept', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/sites`)
  await expectLoaded(page, 'Sites')
  const search = page.getByRole('searchbox', { name: 'Search sites' })
  await search.evaluate((input: HTMLInputElement) => {
    const change = history.replaceState.bind(history)
    history.replaceState = (...args) => {
      change(...args)
      if (!location.search.endsWith('q=Site') || input.value !== 'Site') return
      // Simulates a key at this moment.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, 'Site 2')
      input.dispatchEvent(new Event('input', { bubbles: true }))
    }
  })
  await search.fill('Site')
  await expect(page).toHaveURL(/\?q=Site\+2$/)
  await expect(search).toHaveValue('Site 2')
  await page.goBack()
  await page.goForward()
  await expect(search).toHaveValue('Site 2')
})

test('on a phone each row is a card with labelled cells', async ({ page, openServer }) => {
  await page.setViewportSize({ width: 360, height: 740 })
  await page.goto(`${openServer.url}/app/sites?name=Site+1`)
  await expectLoaded(page, 'Sites')
  const name = await page.getByRole('rowheader', { name: 'Site 1' }).boundingBox()
  const contact = await page.getByRole('cell', { name: 'John Smith' }).boundingBox()
  expect(contact?.y).toBeGreaterThan((name?.y ?? 0) + (name?.height ?? 0) - 1)
  expect(
    await page.getByRole('cell', { name: 'John Smith' }).evaluate((cell) => getComputedStyle(cell, '::before').content),
  ).toContain('Contact')
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|403|409|412)/ })

  test('creating a site shows server errors at the field', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/sites/new`)
    await page.getByLabel('Name').fill('   ')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Name')).toHaveAccessibleDescription('Required')
    await expect(page.getByLabel('Name')).toBeFocused()
    await checkScreen(page, 'site-rejected')
    const name = uniqueName('Iceland')
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Save' }).click()
    await expectLoaded(page, name)
    await expect(page.getByRole('definition')).toHaveCount(6)
  })

  test.describe('an error without a field', () => {
    test.use({ expectedErrors: /status of 500/ })
    test('reopens the form with its values and focus', async ({ page, openServer }) => {
      await page.goto(`${openServer.url}/app/sites/2`)
      await expectLoaded(page, 'Site 2')
      await page.route('**/api/v1/sites/2', async (route) => {
        if (route.request().method() !== 'PATCH') return route.continue()
        await route.fulfill({
          status: 500,
          json: { title: 'Internal Server Error', status: 500, detail: 'It failed.' },
        })
      })
      await page.keyboard.press('u')
      await page.getByLabel('Contact').fill('Grace')
      await page.keyboard.press('Enter')
      await expect(page.getByText('It failed.')).toBeVisible()
      await expect(page.getByLabel('Contact')).toHaveValue('Grace')
      await expect(page.getByLabel('Name')).toBeFocused()
    })
  })

  test('two tabs that edit one site lose no changes', async ({ page, context, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const id = await newSite(page, securedServer, uniqueName('Twice'))
    await page.goto(`${securedServer.url}/app/sites/${id}`)
    const otherPage = await context.newPage()
    await otherPage.goto(`${securedServer.url}/app/sites/${id}`)
    for (const tab of [page, otherPage]) await tab.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Contact').fill('Grace')
    await page.getByLabel('Country').fill('USA')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Saved')).toBeVisible()
    await otherPage.getByLabel('Contact').fill('Linus')
    await otherPage.getByLabel('Address').fill('1 Harbour Road')
    await otherPage.getByRole('button', { name: 'Save' }).click()
    const dialog = otherPage.getByRole('dialog')
    await expect(dialog).toContainText('Theirs: Grace')
    await expect(dialog).toContainText('They also changed Country: UK → USA')
    await expect(dialog).toContainText('Only you changed Address: – → 1 Harbour Road')
    await checkScreen(otherPage, 'conflict')
    await dialog.getByRole('radiogroup', { name: 'Contact' }).getByLabel('Theirs').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(otherPage.getByText('Saved')).toBeVisible()
    const { body } = await callApi(page, 'GET', `/api/v1/sites/${id}`)
    expect(body).toMatchObject({ contact: 'Grace', country: 'USA', address: '1 Harbour Road', version: 3 })
    await expect(await openTab(otherPage, 'History')).toContainText('Address: – → 1 Harbour Road')
  })

  test('a change shows immediately and is rolled back when rejected', async ({ page, openServer }) => {
    const name = uniqueName('Rolled back')
    const id = await newSite(page, openServer, name)
    await page.goto(`${openServer.url}/app/sites/${id}`)
    await expectLoaded(page, name)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Name').fill(' ')
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    await page.route(`**/api/v1/sites/${id}`, async (route) => {
      if (route.request().method() === 'GET') return // no response: a refetch must not cause the rollback
      await released
      await route.continue()
    })
    await page.getByLabel('Contact').fill('Charles')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('definition').filter({ hasText: 'Charles' })).toBeVisible() // before the response
    release()
    await expect(page.getByLabel('Name')).toHaveAccessibleDescription('Required')
    await expect(page.getByLabel('Contact')).toHaveValue('Charles') // the entered value is kept
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await expect(page.getByRole('definition').filter({ hasText: 'Ada' })).toBeVisible()
  })

  test('dependent rows are counted before a site is deleted', async ({ page, openServer }) => {
    const name = uniqueName('Deleted')
    const id = await newSite(page, openServer, name)
    for (const freezer of ['-20C', '-80C'])
      await callApi(page, 'POST', '/api/v1/freezers', { name: freezer, site_id: id })
    await page.goto(`${openServer.url}/app/sites/${id}`)
    await startDeletion(page)
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText('In use by 2 freezers.')
    await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
    await dialog.getByLabel(/^Also delete/).check()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await expectLoaded(page, 'Sites')
    await expect(page.getByRole('link', { name })).toHaveCount(0)
  })

  test('a write request of a viewer is rejected', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'vera')
    const { status, body } = await callApi(page, 'PATCH', '/api/v1/sites/1', { country: 'Mine' })
    expect([status, body.title]).toEqual([403, 'Insufficient role'])
  })
})

test('attachments are uploaded, listed and deleted', async ({ page, openServer }) => {
  const id = await newSite(page, openServer, uniqueName('Attachments'))
  await page.goto(`${openServer.url}/app/sites/${id}?tab=attachments`)
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Upload files' }).click()
  const file = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('Frosted over since Friday.') }
  await (await chooser).setFiles(file)
  const table = page.getByRole('table', { name: 'Attachments' })
  await expect(table.getByRole('link', { name: 'notes.txt' })).toBeVisible()
  await expect(table).toContainText('26 B')
  await checkScreen(page, 'attachments')
  const download = page.waitForEvent('download')
  await table.getByRole('link', { name: 'notes.txt' }).click()
  expect((await download).suggestedFilename()).toBe('notes.txt')
  await table.getByRole('button', { name: 'Delete notes.txt' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText('No attachments')).toBeVisible()
})

test('all rows of a page are in the table, and the arrow keys reach the last one', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const country = uniqueName('Far')
  const lines = Array.from({ length: 250 }, (_, i) => ({
    name: `Outpost ${i + 1}`,
    contact: null,
    address: null,
    state_or_region: null,
    country,
    postcode_or_zip: null,
  }))
  expect((await callApi(page, 'POST', '/api/v1/sites', lines)).status).toBe(200)
  await page.goto(`${openServer.url}/app/sites?country=${encodeURIComponent(country)}`)
  await expectLoaded(page, 'Sites')
  await page.getByLabel('Rows per page').selectOption('100 rows')
  await expect(page.getByText('1–100 of 250')).toBeAttached()
  for (const range of ['101–200', '201–250']) {
    await page.getByRole('button', { name: 'Next' }).press('Enter')
    await expect(page.getByText(`${range} of 250`)).toBeAttached()
  }
  await expect(page.getByRole('rowheader')).toHaveCount(50)
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
  await expect(page.getByRole('rowheader').nth(1)).toHaveText('Outpost 2') // natural order: 10 comes later
})
