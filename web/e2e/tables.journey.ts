import { expect, expectLoaded, type Page, test } from './fixtures'

// Tables with long texts: a stable layout, and all rows of the page in the document.

const table = (page: Page) => page.getByRole('table', { name: 'Containers' })

async function openContainers(page: Page, url: string) {
  await page.goto(`${url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await expect(table(page).getByRole('rowheader')).toHaveCount(100)
}

for (const width of [1280, 1600])
  test(`a list with long texts keeps its layout at ${width} px`, async ({ page, openServer }) => {
    await page.setViewportSize({ width, height: 800 })
    await openContainers(page, openServer.url)
    for (const row of [22, 33, 60]) {
      await table(page).getByRole('row').nth(row).scrollIntoViewIfNeeded()
      const layouts = await table(page).evaluate(async (element: HTMLTableElement) => {
        const seen = new Set<string>()
        for (let frame = 0; frame < 120; frame++) {
          await new Promise(requestAnimationFrame)
          const widths = [...element.querySelectorAll<HTMLElement>('thead th')].map((header) => header.offsetWidth)
          seen.add(JSON.stringify([element.offsetHeight, element.rows.length, widths]))
        }
        return [...seen]
      })
      expect(layouts, `row ${row}`).toHaveLength(1)
    }
  })

test('every row has the same height, and a cut text is the title of its cell', async ({ page, openServer }) => {
  await openContainers(page, openServer.url)
  const heights = await table(page).evaluate((element: HTMLTableElement) =>
    [...(element.tBodies[0]?.rows ?? [])].map((row) => row.offsetHeight),
  )
  expect(new Set(heights).size).toBe(1)
  const cut = table(page)
    .getByRole('rowheader')
    .filter({ hasText: /^Serum of the second visit/ })
    .nth(1)
  await cut.hover()
  expect(await cut.getAttribute('title')).toBe(await cut.textContent())
  const short = table(page)
    .getByRole('rowheader')
    .filter({ hasText: /^Plasma rack/ })
    .nth(1)
  await short.hover()
  await expect(short).not.toHaveAttribute('title', /./)
})

test('the browser finds and prints every row of the page', async ({ page, openServer }) => {
  await openContainers(page, openServer.url)
  const last = table(page).getByRole('rowheader').nth(99)
  const barcode = (await table(page).getByRole('row').nth(100).getByRole('cell').first().textContent()) ?? ''
  expect(barcode).toHaveLength(36)
  // window.find is the search of the browser.
  expect(await page.evaluate((text) => (globalThis as any).find(text), barcode)).toBe(true)
  await page.emulateMedia({ media: 'print' })
  await expect(last).toBeVisible()
  await expect(page.getByRole('navigation', { name: 'Main menu' })).toBeHidden()
  await expect(page.getByRole('banner')).toBeHidden()
  const long = table(page)
    .getByRole('rowheader')
    .filter({ hasText: /^Serum of the second visit/ })
    .nth(1)
  expect(await long.evaluate((cell) => cell.scrollWidth <= cell.clientWidth)).toBe(true) // printed in full
})
