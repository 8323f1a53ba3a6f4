import { openTab } from './detailPage'
import { callApi, checkScreen, expect, expectLoaded, type Page, test, uniqueName } from './fixtures'
import { addContainer, addFreezer } from './storageLab'

// Time travel: lists and the map of a freezer at a time in the past.

const banner = (page: Page) => page.getByText(/As of .*Nothing can be changed here/)

/** pause waits, so that the next change is in another second than the last one, and returns the time between them. */
async function pause(page: Page): Promise<string> {
  await page.waitForTimeout(1100)
  const time = new Date().toISOString()
  await page.waitForTimeout(1100)
  return `${time.slice(0, 19)}Z`
}

test('lists show the containers and freezers of a time in the past, read-only', async ({ page, openServer }) => {
  test.slow() // axe
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Past')
  const id = await addFreezer(page, name)
  const box = await addContainer(page, { description: `${name} box`, freezer_id: id })
  const then = await pause(page)
  await callApi(page, 'PATCH', `/api/v1/containers/${box}`, { description: `${name} renamed` })
  await page.goto(`${openServer.url}/app/containers?freezer_id=${id}`)
  await expectLoaded(page, 'Containers')
  await expect(page.getByRole('link', { name: `${name} renamed` })).toBeVisible()
  await page.getByRole('button', { name: 'As of: now' }).click()
  await expect(page.getByRole('dialog', { name: 'As of' })).toBeVisible()
  await checkScreen(page, 'as-of-choice')
  await page.keyboard.press('Escape')
  await page.goto(`${openServer.url}/app/containers?freezer_id=${id}&as_of=${then}`)
  await expect(banner(page)).toBeVisible()
  const link = page.getByRole('link', { name: `${name} box` })
  await expect(link).toBeVisible()
  await expect(page.getByRole('checkbox', { name: 'Select all' })).toHaveCount(0)
  await expect(page.getByRole('main').getByRole('link', { name: 'New container' })).toHaveCount(0)
  await checkScreen(page, 'as-of-list')
  await link.click()
  await expectLoaded(page, `${name} box`)
  await expect(page).toHaveURL(/as_of=/)
  await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Back to now' }).click()
  await expectLoaded(page, `${name} renamed`)
  await expect(page).not.toHaveURL(/as_of=/)
  await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible()
})

test.describe('before the first change', () => {
  test.use({ expectedErrors: /status of 404 .*as_of=2020/ })

  test('lists and rows are empty', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/`)
    const id = await addFreezer(page, uniqueName('New'))
    for (const path of [`freezers/${id}`, 'sites', 'instruments', 'storage']) {
      await page.goto(`${openServer.url}/app/${path}?as_of=2020-01-01T00:00:00Z`)
      await expect(page.getByText('Nothing was here at that time')).toBeVisible()
    }
  })
})

test('the map of a freezer shows what lay where', async ({ page, openServer }) => {
  test.slow() // axe
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Map')
  const id = await addFreezer(page, name)
  const box = await addContainer(page, { description: `${name} box`, freezer_id: id, rows: 2, columns: 2, kind: 'box' })
  const tube = await addContainer(page, { description: `${name} tube`, parent_uuid: box, position: 'A1' })
  const then = await pause(page)
  await callApi(page, 'PATCH', `/api/v1/containers/${tube}`, { position: 'B2' })
  await page.goto(`${openServer.url}/app/freezers/${id}?container=${tube}`)
  await expectLoaded(page, name)
  await expect(page.getByRole('region', { name: 'Chosen container' })).toContainText('B2 ·')
  await page.goto(`${openServer.url}/app/freezers/${id}?container=${tube}&as_of=${then}`)
  await expectLoaded(page, name)
  await expect(page.getByRole('region', { name: 'Chosen container' })).toContainText('A1 ·')
  await expect(page.getByRole('button', { name: 'Change position' })).toHaveCount(0)
  await expect(page.getByRole('tab')).toHaveText([/^Map/, /^Contents/, /^History/])
  const slider = page.getByRole('slider', { name: 'As of' })
  await expect(slider).toBeVisible()
  await checkScreen(page, 'as-of-map')
  await openTab(page, 'Contents')
  await expect(page).toHaveURL(/as_of=/)
  await openTab(page, 'Map')
  await slider.press('End')
  await expect(page).not.toHaveURL(/as_of=/)
  await expect(page.getByRole('region', { name: 'Chosen container' })).toContainText('B2 ·')
  await slider.press('Home')
  await expect(page).toHaveURL(/as_of=/)
})
