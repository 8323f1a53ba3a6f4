import { readFile } from 'node:fs/promises'

import { boxUuid, isoDay } from './bigLab'
import { countClicks, expectClicks } from './clicks'
import { openTab } from './detailPage'
import { callApi, expect, expectLoaded, menuLink, type Page, password, signIn, test, uniqueName } from './fixtures'
import { bulkBar, chosenAlert, expectStates, fetchAlert } from './inbox'
import { raiseAlert, raiseAlerts } from './ledger'
import { scan } from './scanner'

// The everyday jobs of a laboratory, each from the overview, with the greatest number of clicks that it may take. The
// jobs that need storage, custody or the undo of an import are not here; jobs 2 and 9 are in the journeys of their
// screens. Numbers are those of the table of jobs in docs/screens.md.

test('1: find a box by words of its description, and where it is, with one query', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const lot = uniqueName('Lot').replace(/\W/g, '')
  const descriptions = [`Mouse serum, first visit, cohort 12, ${lot}`, `Mouse serum, second visit, cohort 12, ${lot}`]
  for (const [i, description] of descriptions.entries())
    await callApi(page, 'POST', '/api/v1/containers', { description, freezer_id: 107 + i })
  await page.reload()
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  let queries = 0
  page.on('request', (request) => (queries += Number(request.url().includes('/api/v1/search'))))
  await page.keyboard.press('Control+k')
  await page.keyboard.insertText(`${lot} cohort second mouse`) // pasted, in another order and without the commas
  const option = page.getByRole('group', { name: /^Containers/ }).getByRole('option')
  await expect(option).toHaveText([/^Mouse serum, second visit.*Minus80-B3.*Biobank West/])
  await page.keyboard.press('Enter')
  await expectLoaded(page, descriptions[1] ?? '')
  await expect(page.getByRole('main')).toContainText('Minus80-B3')
  expect(queries).toBe(1)
  expectClicks('1 (find)', clicks(), 0)
})

test('6: scan a label on any screen and see the box', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const clicks = await countClicks(page)
  const box = boxUuid(5)
  for (const path of ['/app/', '/app/alerts', '/app/todos', `/app/containers/${boxUuid(8)}`]) {
    await page.goto(securedServer.url + path)
    await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0)
    await scan(page, box)
    await expectLoaded(page, 'Mouse serum, cohort 4')
    await expect(page).toHaveURL(new RegExp(box))
  }
  expectClicks('6 (scan)', clicks(), 0)
})

test('8: triage 30 alerts: understand, assign, close as false positive', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, ids } = await raiseAlerts(page, 30)
  await page.reload()
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  await menuLink(page, 'Alerts').click()
  await expectLoaded(page, 'Alerts')
  await expect(chosenAlert(page)).toHaveText(`User ${user}: 32 rising deposits, limit 3`) // the newest, explained
  await expect(page.getByRole('region', { name: 'Rising deposits' })).toContainText('the limit at medium risk is 3')
  const boxes = page.getByRole('main').getByRole('listitem').getByRole('checkbox')
  await boxes.first().click()
  await boxes.nth(29).click({ modifiers: ['Shift'] })
  await expect(page.getByText('30 selected', { exact: true })).toBeVisible()
  await bulkBar(page).getByRole('button', { name: 'Assign to me' }).click()
  await expect(page.getByText('30 alerts assigned to Olga Berg')).toBeVisible()
  await bulkBar(page).getByRole('button', { name: 'False positive' }).click()
  await expect(page.getByText('30 alerts closed as false positive')).toBeVisible()
  expectClicks('8 (triage of 30 alerts)', clicks(), 12)
  await expectStates(page, [ids[0] ?? '', ids[29] ?? ''], ['closed', 'closed'])
  expect(await fetchAlert(page, ids[17] ?? '')).toMatchObject({ disposition: 'false_positive', assignee: 'olga' })
})

test('10: plan a defrost of the second of two freezers with equal names', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  await page.getByRole('main').getByRole('link', { name: /^Minus80-B2/ }).nth(1).click()
  await expectLoaded(page, 'Minus80-B2')
  await expect(page).toHaveURL(/\/freezers\/107$/)
  await openTab(page, 'Todos')
  await page.getByRole('main').getByRole('link', { name: 'New todo' }).first().click()
  await expect(page.getByRole('combobox', { name: 'Freezer' })).toHaveValue('Minus80-B2')
  const title = uniqueName('Defrost')
  await expect(page.getByLabel('Title')).toBeFocused()
  await page.keyboard.insertText(title)
  await page.getByRole('textbox', { name: 'Due date' }).click()
  await page.keyboard.insertText(isoDay(10))
  await page.keyboard.press('Tab')
  await page.getByRole('combobox', { name: 'Assignee' }).click()
  await page.keyboard.insertText('vera')
  await page.getByRole('option', { name: 'Vera Rubin' }).click()
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, title)
  expectClicks('10 (plan a defrost)', clicks(), 8)
  const id = new URL(page.url()).pathname.split('/').at(-1)
  expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({
    description: title,
    freezer_id: 107,
    assignee: 'vera',
    due_on: isoDay(10),
  })
})

test('11: everything of a user on one page', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { body: account } = await callApi(page, 'GET', '/api/v1/directory?username=vera')
  const vera = account[0].id as number
  await callApi(page, 'POST', '/api/v1/events', { type: 'withdraw', amount: '500.00', user_id: vera, time: 1_700_000_000 })
  await page.reload()
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  await page.keyboard.press('Control+k')
  await page.keyboard.insertText('vera rubin')
  await page.getByRole('group', { name: /^Users/ }).getByRole('option').first().click()
  await expectLoaded(page, 'Vera Rubin')
  const main = page.getByRole('main')
  for (const [tab, content] of [
    ['Todos', main.getByRole('search', { name: 'Filter todos' }).or(main.getByText('No todos assigned to Vera Rubin'))],
    ['Alerts', main.getByText('withdrawal of 500.00, limit 100.00')],
    ['Events', main.getByText('Withdrawal 500.00')],
    ['Activity', main.getByRole('search').or(main.getByText('No changes by Vera Rubin yet'))],
    ['Attachments', main.getByText('No attachments from Vera Rubin')],
  ] as const) {
    await openTab(page, tab)
    await expect(content.first()).toBeVisible()
  }
  expectClicks('11 (everything of a user)', clicks(), 6)
})

test('12: sort 3,000 boxes, filter by part of a name, export the result', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera')
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  await menuLink(page, 'Containers').click()
  await expectLoaded(page, 'Containers')
  await page.getByRole('searchbox', { name: 'Search containers' }).click()
  await page.keyboard.insertText('plasma b3 north') // parts of the description, the freezer and the site
  await expect(page).toHaveURL(/q=plasma/)
  await page.getByRole('columnheader', { name: 'Description' }).getByRole('button').click()
  await expect(page).toHaveURL(/sort=description/)
  await expectLoaded(page, 'Containers')
  const names = page.getByRole('table', { name: 'Containers' }).getByRole('rowheader')
  const { compare } = new Intl.Collator('en', { numeric: true })
  const shown = await names.allInnerTexts()
  expect(shown.length).toBeGreaterThan(5)
  expect(shown).toEqual(shown.toSorted(compare))
  for (const name of shown) expect(name.toLowerCase()).toContain('plasma')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export CSV' }).click()
  const csv = await readFile(await (await download).path(), 'utf8')
  expectClicks('12 (sort, filter, export)', clicks(), 5)
  const [head = '', ...lines] = csv.trim().split('\n')
  expect(head).toContain('description')
  expect(lines.length).toBeGreaterThanOrEqual(shown.length)
  for (const line of lines) expect(line).toMatch(/plasma.*Minus80-B3.*Biobank North/i)
  await page.reload()
  await expectLoaded(page, 'Containers')
  await expect(names).toHaveText(shown) // the order is in the URL
})

test('14: invite a colleague and set the role; reset a password', async ({ page, browser, securedServer }) => {
  test.slow()
  await signIn(page, securedServer, 'ada')
  await expectLoaded(page, 'Overview')
  const clicks = await countClicks(page)
  const username = uniqueName('grace').replace(' ', '-')
  await page.getByRole('button', { name: 'New', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Invite a user' }).click()
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused()
  await page.keyboard.insertText('Grace Hopper') // typed as fast as by Playwright, it would be a scan
  await page.keyboard.press('Tab')
  await page.keyboard.insertText(username)
  await page.getByLabel('Role').selectOption('operator') // counts as two clicks
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('dialog', { name: 'Invitation for Grace Hopper' })
  await dialog.getByRole('button', { name: 'Copy link' }).click()
  expectClicks('14 (invite, set the role)', clicks(), 6)
  const colleague = await openLink(await dialog.getByLabel('Link').inputValue())
  expect((await callApi(colleague, 'GET', '/auth/session')).body).toMatchObject({ username, role: 'operator' })

  const before = clicks()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Reset password' }).or(page.getByRole('button', { name: /invitation/ })).click()
  const link = page.getByRole('dialog').getByLabel('Link')
  await expect(link).toHaveValue(/#/)
  await page.getByRole('dialog').getByRole('button', { name: 'Copy link' }).click()
  expectClicks('14 (reset a password, from the page of the user)', clicks() - before, 2)
  await openLink(await link.inputValue())

  /** openLink chooses a password with a link, in a browser of its own. */
  async function openLink(url: string): Promise<Page> {
    const tab = await (await browser.newContext()).newPage()
    await tab.goto(url)
    await tab.getByRole('textbox', { name: 'New password' }).fill(password)
    await tab.getByRole('button', { name: 'Save and sign in' }).click()
    await expectLoaded(tab, 'Overview')
    return tab
  }
})

test('15: see at a glance whether anything is wrong', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user } = await raiseAlert(page, '9500.00')
  const clicks = await countClicks(page)
  await page.goto(`${securedServer.url}/app/`)
  await expectLoaded(page, 'Overview')
  const main = page.getByRole('main')
  await expect(page.getByRole('region', { name: 'Needs attention' })).toContainText(`User ${user}: withdrawal of 9500.00`)
  await expect(main.getByRole('link', { name: /^Open alerts/ })).toContainText(/\d+.*\d+ critical.*\d+ unassigned/)
  await expect(main.getByRole('link', { name: /^Overdue todos/ })).toContainText(/\d+.*\d+ due today/)
  await expect(menuLink(page, 'Alerts')).toContainText(/\d+ open, \d+ critical/)
  expectClicks('15 (is anything wrong?)', clicks(), 0)
})
