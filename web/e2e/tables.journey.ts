import { expect, expectLoaded, type Page, test } from './fixtures'

// Tables with long texts: a stable layout, and all rows of the page in the document.

const table = (page: Page) => page.getByRole('table', { name: 'Containers' })

async function openContainers(page: Page, url: string, fields = '') {
  await page.goto(`${url}/app/containers?sort=id${fields && `&fields=${fields}`}`)
  await expectLoaded(page, 'Containers')
  await expect(table(page).getByRole('rowheader')).toHaveCount(50)
}

for (const width of [1280, 1600])
  test(`a list with long texts keeps its layout at ${width} px`, async ({ page, openServer }) => {
    await page.setViewportSize({ width, height: 800 })
    await openContainers(page, openServer.url)
    for (const row of [12, 22, 33]) {
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

test('every row is 32 px high, and a cut text is the title of its cell', async ({ page, openServer }) => {
  // The rows of other tables have buttons, badges and links.
  const heights = new Set<number>()
  for (const [path, title] of [
    ['/app/alerts?view=list', 'Alerts'],
    ['/app/todos?view=list', 'Todos'],
    ['/app/containers', 'Containers'],
  ] as const) {
    await page.goto(openServer.url + path)
    await expectLoaded(page, title)
    const bodyRows = page.getByRole('table', { name: title }).locator('tbody tr')
    await expect(bodyRows.nth(30)).toBeAttached()
    for (const height of await bodyRows.evaluateAll((rows) => rows.map((row) => row.clientHeight))) heights.add(height)
  }
  expect([...heights]).toEqual([32])
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

test('UUIDs and buttons are never cut, and a cut cell says what it holds', async ({ page, openServer }) => {
  await page.setViewportSize({ width: 1280, height: 900 })
  const isCut = (element: Element) => element.scrollWidth > element.clientWidth
  const findCut = (selector: string) =>
    page.evaluate((selector) => {
      const elements = [...document.querySelectorAll(selector)]
      if (elements.length < 30) throw new Error(`only ${elements.length} elements match ${selector}`)
      return elements.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map((e) => e.textContent)
    }, selector)
  await openContainers(page, openServer.url, 'description,uuid,freezer_name')
  expect(await findCut('td[data-label=UUID]')).toEqual([])
  await page.goto(`${openServer.url}/app/alerts?view=list`)
  await expectLoaded(page, 'Alerts')
  expect(await findCut('td[data-label=Severity], td[data-label=State]')).toEqual([])
  const isLong = (text: string | null) => /\d{6}/.test(text ?? '') // the user ID of another journey
  expect((await findCut('tbody th a')).filter((text) => !isLong(text))).toEqual([])
  await page.goto(`${openServer.url}/app/todos?view=list`)
  await expectLoaded(page, 'Todos')
  expect(await findCut('td[data-label=Assignee], td[data-label=Status]')).toEqual([])
  const links = page.getByRole('cell', { name: /Biobank North/ }).nth(1)
  expect(await links.evaluate(isCut)).toBe(true)
  await links.hover()
  await expect(links).toHaveAttribute('title', 'Biobank North, Minus80-B4, Reader 4')
})

test('the browser finds and prints every row of the page', async ({ page, openServer }) => {
  await openContainers(page, openServer.url, 'description,uuid')
  const last = table(page).getByRole('rowheader').nth(49)
  const uuid = (await table(page).locator('td[data-label=UUID]').nth(49).textContent()) ?? ''
  expect(uuid).toHaveLength(36)
  // window.find is the search of the browser.
  expect(await page.evaluate((text) => (globalThis as any).find(text), uuid)).toBe(true)
  await page.emulateMedia({ media: 'print' })
  await expect(last).toBeVisible()
  await expect(page.getByRole('navigation', { name: 'Main menu' })).toBeHidden()
  await expect(page.getByRole('banner')).toBeHidden()
  await expect(page.getByRole('button', { name: 'Next' })).toBeHidden()
  const long = table(page)
    .getByRole('rowheader')
    .filter({ hasText: /^Serum of the second visit/ })
    .nth(1)
  expect(await long.evaluate((cell) => cell.scrollWidth <= cell.clientWidth)).toBe(true) // printed in full
})
