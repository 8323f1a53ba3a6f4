import { addFilter, chips } from './filterForm'
import { expect, expectLoaded, menuLink, type Page, test } from './fixtures'

// The site switch in the header: lists, the overview and the numbers of the menu show one site.

const siteChip = (page: Page) => page.getByRole('main').getByRole('button', { name: /^Site: / })

/** expectSite expects that all rows are at a site. */
async function expectSite(page: Page, name: string) {
  const cells = page.getByRole('table', { name: 'Containers' }).locator('td[data-label=Site]')
  await expect(cells.first()).toHaveText(name)
  expect(new Set(await cells.allInnerTexts())).toEqual(new Set([name]))
}

async function chooseSite(page: Page, name: RegExp) {
  await page.getByRole('banner').getByRole('combobox', { name: 'Site' }).click()
  await page.getByRole('option', { name }).last().click()
}

test('a site chosen in the header filters lists, their export, the overview and the menu', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await chooseSite(page, /^Biobank North/) // the second of two with this name
  await expect(siteChip(page)).toHaveText(/^Site: Biobank North/)
  await expectSite(page, 'Biobank North')
  await expect(page.getByRole('link', { name: 'Export CSV' })).toHaveAttribute('href', /[?&]site_id=14&/)
  await expect(menuLink(page, 'Containers')).not.toHaveText(/3,[0-9]{3}/)
  await menuLink(page, 'Storage').click()
  await expectLoaded(page, 'Storage')
  const freezer = page.getByRole('main').getByRole('link', { name: /^Minus80-B1/ })
  await expect(freezer).toHaveCount(1)
  await page.reload()
  await expect(freezer).toHaveCount(1)
  await menuLink(page, 'Todos').click()
  await expectLoaded(page, 'Todos')
  await expect(siteChip(page)).toBeVisible()
  await page.getByRole('textbox', { name: 'Title of a new todo' }).fill('Check the alarm of the second North')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await expect(page.getByRole('link', { name: 'Check the alarm of the second North' })).toBeVisible()
})

test('a filter by site replaces the switch, and an empty site leads to all sites', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await chooseSite(page, /^Madrid clinic/)
  await expect(page.getByText('No containers at this site')).toBeVisible()
  await addFilter(page, 'Description', 'contains', { text: 'plasma' })
  await expect(page.getByText('No containers match these filters')).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(page.getByText('No containers at this site')).toBeVisible()
  await page.getByRole('main').getByRole('button', { name: 'Show all sites' }).last().click()
  await expect(siteChip(page)).toHaveCount(0)
  await expect(page.getByRole('row').nth(1)).toBeVisible()
  await chooseSite(page, /^Madrid clinic/)
  await page.goto(`${openServer.url}/app/containers?site_id=11`)
  await expect(chips(page)).toHaveText(['Site: Oslo clinic'])
  await expectSite(page, 'Oslo clinic')
  await expect(siteChip(page)).toHaveCount(0)
})
