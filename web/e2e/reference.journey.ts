import { checkScreen, expect, expectLoaded, test } from './fixtures'
import { typeByHand } from './scanner'

// The API reference, for developers of API clients.

test('an operation is found by keywords and shows its SQL', async ({ page, context, openServer }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: openServer.url })
  await page.goto(`${openServer.url}/app/reference`)
  await expectLoaded(page, 'API reference')
  await checkScreen(page, 'reference')
  await page.getByLabel('Search operations').fill('sites patch')
  await expect(page.getByText(/^\d+ operations?$/)).toBeVisible()
  await expect(page).toHaveURL(/\?find=sites\+patch$/)
  await page.getByRole('link', { name: 'PATCH /api/v1/sites/{id}' }).click()
  await expect(page).toHaveURL(/\/reference\/PatchSite$/)
  await expectLoaded(page, 'Changes the given fields of a site')
  await expect(page.getByRole('region', { name: 'SQL' })).toContainText('UPDATE site SET')
  await expect(page.getByRole('region', { name: 'curl' })).toContainText(
    `curl -X PATCH ${openServer.url}/api/v1/sites/1`,
  )
  await expect(page.getByRole('table', { name: 'Parameters' }).getByRole('row', { name: /If-Match/ })).toContainText(
    'header',
  )
  await checkScreen(page, 'operation')
  await page.getByRole('button', { name: 'Copy SQL' }).click()
  await expect(page.getByText('Copied')).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('UPDATE site SET')
  await page.goBack()
  await expect(page.getByLabel('Search operations')).toHaveValue('sites patch')
})

test('the reference works with the keyboard alone, and unknown operations show an error', async ({
  page,
  openServer,
}) => {
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Home')
  await page.keyboard.press('g')
  await page.keyboard.press('p')
  await expectLoaded(page, 'API reference')
  await page.keyboard.press('Tab')
  await expect(page.getByLabel('Search operations')).toBeFocused()
  await typeByHand(page, 'ListStream')
  await expect(page.getByText(/^\d+ operations?$/)).toBeVisible()
  await page.keyboard.press('Tab')
  while (
    !(await page
      .getByRole('link', { name: 'GET /api/v1/stream' })
      .evaluate((element) => element === document.activeElement))
  )
    await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/ListStream$/)
  await page.goto(`${openServer.url}/app/reference/Nothing`)
  await expect(page.getByText('Operation not found')).toBeVisible()
  await page.goto(`${openServer.url}/app/reference?find=zzz`)
  await expect(page.getByText('No operations match')).toBeVisible()
})
