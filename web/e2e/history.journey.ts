import { addFilter, filterForm } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, test } from './fixtures'

// Activity: changes by user, row and change set.

const changeRows = (page: Page) => page.getByRole('table', { name: 'Changes, newest first' }).locator('tbody tr')

test('a change in another tab appears field by field and links to its row', async ({
  page,
  context,
  securedServer,
}) => {
  test.slow()
  await signIn(page, securedServer, 'olga', '/app/activity?view=changes')
  await expectLoaded(page, 'Activity')
  await expect(changeRows(page).first()).toBeVisible()
  const otherPage = await context.newPage()
  await otherPage.goto(`${securedServer.url}/app/sites/3`)
  await otherPage.getByRole('button', { name: 'Edit' }).click()
  const contact = `Grace ${Date.now() % 1e8}`
  await otherPage.getByLabel('Contact').fill(contact)
  await otherPage.getByRole('button', { name: 'Save' }).click()
  await expect(otherPage.getByText('Saved')).toBeVisible()
  const changeItem = changeRows(page).filter({ hasText: contact })
  await expect(changeItem).toContainText('Changed', { timeout: 20_000 }) // the list is refreshed every 15 s
  await expect(changeItem).toContainText('Olga Berg')
  await expect(changeItem).toContainText(`→ ${contact}`)
  await checkScreen(page, 'activity')
  await changeItem.getByRole('link', { name: 'site Site 3' }).click()
  await expect(page).toHaveURL(/\/app\/sites\/3$/)
  await page.goBack()
  await expectLoaded(page, 'Activity')
})

test('filters are stored in the URL, and each request has a link', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const names = ['First', 'Second'].map((name) => `${name} ${Date.now() % 1e8}`)
  const lines = names.map((name) => ({
    name,
    contact: null,
    address: null,
    state_or_region: null,
    country: null,
    postcode_or_zip: null,
  }))
  expect((await callApi(page, 'POST', '/api/v1/sites', lines)).status).toBe(200)
  await page.goto(`${openServer.url}/app/activity?table_name=site&action=insert`)
  const first = changeRows(page).filter({ hasText: names[1] })
  await first.locator('summary').click()
  await expect(first).toContainText(`Name: – → ${names[1]}`)
  await first.getByRole('link').last().click()
  await expect(page).toHaveURL(/\/activity\/\d+$/)
  await expect(page.getByText('2 changes')).toBeVisible()
  await expect(changeRows(page)).toHaveCount(2)
  // The address with the ID of the request, which links from before there were change sets have, leads there, too.
  const id = page.url().split('/').at(-1)
  const { request_id } = (await callApi(page, 'GET', `/api/v1/changesets/${id}`)).body
  await page.goto(`${openServer.url}/app/activity?request_id=${request_id}`)
  await expect(page).toHaveURL(new RegExp(`/activity/${request_id}$`))
  await expect(changeRows(page)).toHaveCount(2)
  await checkScreen(page, 'change-set')
  await page.goto(`${openServer.url}/app/activity?table_name=site&action=insert`)
  await addFilter(page, 'Action', 'is any of', { checked: ['Deleted'] })
  await addFilter(page, 'ID', 'is', { text: 'none' })
  await expect(page.getByText('No changes match these filters')).toBeVisible()
  await expect(page).toHaveURL(/action=delete/)
  await checkScreen(page, 'activity-empty')
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(page).toHaveURL(/\/activity(\?view=changes)?$/)
})

test('user changes are visible to admins only', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/activity?view=changes')
  await expectLoaded(page, 'Activity')
  await page.getByRole('button', { name: 'Add filter' }).click()
  await filterForm(page).getByLabel('Column').selectOption('Type')
  await expect(filterForm(page).getByRole('checkbox', { name: 'Site' })).toBeVisible()
  await expect(filterForm(page).getByRole('checkbox', { name: 'User' })).toHaveCount(0)
  await page.goto(`${securedServer.url}/app/activity?table_name=account`)
  await expect(page.getByText('No changes match these filters')).toBeVisible()
})

test('a page holds the newest 50 changes, and the next one older changes', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const country = `Land ${Date.now() % 1e8}`
  const lines = Array.from({ length: 150 }, (_, i) => ({
    name: `Place ${i}`,
    contact: null,
    address: null,
    state_or_region: null,
    country,
    postcode_or_zip: null,
  }))
  expect((await callApi(page, 'POST', '/api/v1/sites', lines)).status).toBe(200)
  await page.goto(`${openServer.url}/app/activity?table_name=site&action=insert`)
  const keys = () => changeRows(page).evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset.row)))
  await expect(changeRows(page)).toHaveCount(50)
  const newest = await keys()
  expect(newest).toEqual(newest.toSorted((a, b) => b - a))
  await page.getByRole('button', { name: 'Next' }).click()
  await expect(page.getByText(/^51–100 of [\d,]+$/)).toBeVisible()
  const older = await keys()
  expect(Math.max(...older)).toBeLessThan(Math.min(...newest))
})
