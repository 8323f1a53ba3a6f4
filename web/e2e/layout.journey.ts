import { callApi, checkScreen, expect, expectLoaded, test } from './fixtures'

// Layout of tables, detail pages, the menu and the density at different widths.

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
    ['/app/alerts?view=list', 'Alerts'],
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
  await page.goto(`${openServer.url}/app/alerts?view=list`)
  await expectLoaded(page, 'Alerts')
  const state = page.getByRole('table').getByText('Open', { exact: true }).first()
  expect(await state.evaluate((label) => label.scrollWidth <= label.clientWidth)).toBe(true)
})

test('no table is wider than the screen, and sorting works by keyboard', async ({
  page,
  openServer,
}) => {
  test.slow()
  for (const [path, title] of [
    ['/app/alerts', 'Alerts'],
    ['/app/alerts?view=list', 'Alerts'],
    ['/app/freezers/107?tab=contents', 'Minus80-B2'],
    ['/app/freezers/108', 'Minus80-B3'],
    ['/app/users', 'Users'],
    ['/app/todos?view=list', 'Todos'],
  ] as const) {
    await page.goto(openServer.url + path)
    await expectLoaded(page, title)
    for (const width of [1280, 800, 600]) {
      await page.setViewportSize({ width, height: 700 })
      const overflow = () =>
        page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      await expect.poll(overflow, `${path}, ${width} px`).toBe(0)
      const times = page.getByRole('main').locator('time')
      const heights = await times.evaluateAll((times) => times.map((time) => time.getBoundingClientRect().height))
      expect(heights.filter((height) => height >= 36), `${path}, ${width} px`).toEqual([])
    }
  }
  await page.goto(`${openServer.url}/app/users`)
  await expectLoaded(page, 'Users')
  const names = page.locator('td[data-label=Username]')
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
  const menu = page.getByRole('navigation', { name: 'Main menu' })
  await expect(menu.getByRole('link')).toHaveCount(0) // closed
  const isFocusInMenu = () =>
    page.evaluate(() => document.activeElement?.closest('nav[aria-label="Main menu"]') != null)
  await page.getByRole('button', { name: 'Account' }).focus()
  await page.keyboard.press('Tab')
  expect(await isFocusInMenu()).toBe(false)
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await menu.getByRole('link', { name: 'Rules' }).click()
  await expectLoaded(page, 'Rules')
  await expect(menu.getByRole('link')).toHaveCount(0)
})

test('the bottom bar of a phone leads to the frequent screens and covers nothing', async ({ page, openServer }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  const bar = page.getByRole('navigation', { name: 'Quick access' })
  await expect(bar.getByRole('link')).toHaveText(['Overview', 'Todos'])
  await expect(bar.getByRole('button')).toHaveText(['Search', 'Scan', 'More'])
  await bar.getByRole('link', { name: 'Todos' }).click()
  await expectLoaded(page, 'Todos')
  await bar.getByRole('button', { name: 'Scan' }).click()
  await expectLoaded(page, 'Scan')
  await expect(bar).toHaveCount(0) // scan mode has the whole screen
  await page.getByRole('button', { name: 'Leave scan mode' }).click()
  await expectLoaded(page, 'Todos')
  await page.goto(`${openServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
  const [end, top] = await Promise.all([
    page.getByRole('button', { name: 'Next' }).boundingBox(),
    bar.boundingBox(),
  ])
  expect((end?.y ?? 0) + (end?.height ?? 0)).toBeLessThanOrEqual(top?.y ?? 0)
})

test('a detail page has facts beside its tabs, or above them on a narrow screen', async ({ page, openServer }) => {
  const facts = page.getByRole('region', { name: 'Details' })
  const tabs = page.getByRole('tablist')
  for (const [width, isBeside] of [
    [1280, true],
    [1000, false],
  ] as const) {
    await page.setViewportSize({ width, height: 800 })
    await page.goto(`${openServer.url}/app/freezers/107?tab=contents`)
    await expectLoaded(page, 'Minus80-B2')
    const [factsBox, tabsBox] = await Promise.all([facts.boundingBox(), tabs.boundingBox()])
    expect(Math.abs((tabsBox?.y ?? 0) - (factsBox?.y ?? 0)) < 20, `${width} px`).toBe(isBeside)
  }
  // The name is the title, and nowhere else on the page but in the menu of the browser.
  await expect(page.getByRole('main').getByText('Minus80-B2', { exact: true })).toHaveCount(1)
  await page.getByRole('tab', { name: /^History/ }).click()
  await expect(page).toHaveURL(/\/freezers\/107\?tab=history$/)
  await page.reload()
  await expect(page.getByRole('tab', { name: 'History' })).toHaveAttribute('aria-selected', 'true')
})

test('the density changes the height of rows and fields', async ({ page, openServer }) => {
  test.slow() // axe checks a page of rows
  const measure = async () => {
    await page.goto(`${openServer.url}/app/containers`)
    await expectLoaded(page, 'Containers')
    const height = (selector: string) => page.locator(selector).first().evaluate((element) => element.clientHeight)
    return [await height('tbody tr'), await height('input[type=search]')]
  }
  const setDensity = async (name: string) => {
    await page.goto(`${openServer.url}/app/settings`)
    await page.getByRole('radiogroup', { name: 'Density' }).getByText(name).click()
  }
  const compact = await measure()
  await setDensity('Comfortable')
  const comfortable = await measure()
  expect(comfortable.map((height, i) => height > (compact[i] ?? 0) + 4)).toEqual([true, true])
  await checkScreen(page, 'containers-comfortable')
  await setDensity('Compact')
  expect(await measure()).toEqual(compact)
})
