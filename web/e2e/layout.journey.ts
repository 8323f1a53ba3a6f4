import { callApi, expect, expectLoaded, test } from './fixtures'

// Layout of tables and the menu at different widths.

test.beforeEach(async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const { status } = await callApi(page, 'POST', '/api/v1/events', {
    type: 'withdraw',
    amount: '9142.50',
    user_id: 77,
    time: 1,
  })
  expect(status).toBe(201)
})

test('table cells do not break words if the columns fit', async ({ page, openServer }) => {
  const longName =
    'A research station with a very long name that would take the width of all other columns, ' +
    'if the table did not limit it'
  await callApi(page, 'POST', '/api/v1/sites', { name: longName, country: 'Germany' })
  for (const [path, title] of [
    ['/app/alerts', 'Alerts'],
    ['/app/sites?country=Germany', 'Sites'], // few rows, so that all of them are rendered
  ] as const) {
    await page.goto(openServer.url + path)
    await expectLoaded(page, title)
    for (const header of await page.getByRole('columnheader').all()) {
      expect((await header.boundingBox())?.height, `${title}: ${await header.innerText()}`).toBeLessThan(50)
    }
  }
  const germany = page.getByRole('cell', { name: 'Germany', exact: true }).first()
  const lines = await germany.evaluate((cell) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return range.getClientRects().length
  })
  expect(lines).toBe(1)
  await page.goto(`${openServer.url}/app/alerts`)
  await expectLoaded(page, 'Alerts')
  const state = page.getByRole('table').getByText('Open', { exact: true }).first()
  expect(await state.evaluate((label) => label.scrollWidth <= label.clientWidth)).toBe(true)
})

test('no table is wider than the screen, and sorting works by keyboard', async ({
  page,
  openServer,
}) => {
  for (const width of [1280, 800, 600]) {
    await page.setViewportSize({ width, height: 700 })
    for (const [path, title] of [
      ['/app/alerts', 'Alerts'],
      ['/app/users', 'Users'],
      ['/app/todos?view=list', 'Todos'],
    ] as const) {
      await page.goto(openServer.url + path)
      await expectLoaded(page, title)
      const overflow = () =>
        page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      await expect.poll(overflow, `${title}, ${width} px`).toBe(0)
      const times = page.getByRole('table').locator('time')
      const heights = await times.evaluateAll((times) => times.map((time) => time.getBoundingClientRect().height))
      expect(heights.filter((height) => height >= 36), `${title}, ${width} px`).toEqual([])
    }
  }
  await page.goto(`${openServer.url}/app/users`)
  await expectLoaded(page, 'Users')
  const names = page.getByRole('rowheader')
  await page.setViewportSize({ width: 1280, height: 700 })
  const header = page.getByRole('columnheader', { name: 'Username' })
  await header.getByRole('button').focus()
  await page.keyboard.press('Enter')
  await expect(header).toHaveAttribute('aria-sort', 'ascending')
  await page.keyboard.press('Enter')
  await expect(header).toHaveAttribute('aria-sort', 'descending')
  await expectLoaded(page, 'Users')
  const sortedNames = await names.allInnerTexts()
  const { compare } = new Intl.Collator('en', { sensitivity: 'base', numeric: true }) // technician9 before technician10
  expect(sortedNames).toEqual(sortedNames.toSorted((a, b) => compare(b, a)))
})

test('Tab skips the closed menu', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 })
  await expect(page.getByRole('navigation').getByRole('link')).toHaveCount(0) // closed
  const isFocusInMenu = () => page.evaluate(() => document.activeElement?.closest('nav') != null)
  await page.getByRole('button', { name: 'Account' }).focus()
  await page.keyboard.press('Tab')
  expect(await isFocusInMenu()).toBe(false)
  await page.getByRole('button', { name: 'Open menu' }).click()
  await page.getByRole('navigation').getByRole('link', { name: 'Rules' }).click()
  await expectLoaded(page, 'Rules')
  await expect(page.getByRole('navigation').getByRole('link')).toHaveCount(0)
})
