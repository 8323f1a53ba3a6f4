import { isoDay } from './bigLab'
import { chips } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, holdRequests, type Page, signIn, test } from './fixtures'
import { alertItem, alertLink, bulkBar, chosenAlert, expectStates, fetchAlert, undoButton } from './inbox'
import { raiseAlert, raiseAlerts } from './ledger'

// Actions on many alerts in the inbox, and how they are undone.

const checkboxes = (page: Page) => page.getByRole('main').getByRole('listitem').getByRole('checkbox')
const selectAll = (page: Page) => page.getByRole('checkbox', { name: 'Select all alerts of this page' })

test('a range is selected with Shift; an action keeps the selection and can be undone', async ({
  page,
  securedServer,
}) => {
  test.slow() // axe checks the alerts three times
  await signIn(page, securedServer, 'olga')
  const { user, ids } = await raiseAlerts(page, 6)
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}&sort=id`)
  await expectLoaded(page, 'Alerts')
  await checkboxes(page).nth(1).check()
  await checkboxes(page)
    .nth(4)
    .click({ modifiers: ['Shift'] })
  await expect(bulkBar(page)).toBeVisible()
  await expect(page.getByText('4 selected', { exact: true })).toBeVisible()
  await checkScreen(page, 'alerts-selected')
  await bulkBar(page).getByRole('button', { name: 'Acknowledge' }).click()
  await expect(page.getByText('4 alerts acknowledged')).toBeVisible()
  await expect(page.getByText('4 selected', { exact: true })).toBeVisible()
  const middle = (state: string) => ['open', state, state, state, state, 'open']
  await expectStates(page, ids, middle('acknowledged'))

  await bulkBar(page).getByRole('button', { name: 'Assign to me' }).click()
  await expect(page.getByText('4 alerts assigned to Olga Berg')).toBeVisible()
  await expect(page.getByText('4 selected', { exact: true })).toBeVisible()
  await expect(alertItem(page, user).locator('[title="Assigned to Olga Berg"]')).toHaveCount(4)

  await bulkBar(page).getByRole('button', { name: 'False positive' }).click()
  await expect(checkboxes(page)).toHaveCount(2) // the closed ones leave the inbox
  await expectStates(page, ids, middle('closed'))
  expect((await fetchAlert(page, ids[1] ?? '')).disposition).toBe('false_positive')
  await undoButton(page, '4 alerts closed as false positive').click()
  await expect(page.getByText('4 alerts restored')).toBeVisible()
  await expect(checkboxes(page)).toHaveCount(6)
  await expect(page.getByText('4 selected', { exact: true })).toBeVisible()
  await expectStates(page, ids, middle('acknowledged'))
  expect(await fetchAlert(page, ids[1] ?? '')).toMatchObject({ disposition: null, assignee: 'olga' })
})

test('Undo is offered for ten seconds', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, id } = await raiseAlert(page)
  await page.clock.install()
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
  await page.getByRole('button', { name: 'False positive' }).click()
  const undo = undoButton(page, 'Alert closed as false positive')
  await expect(undo).toBeVisible()
  await page.clock.runFor(9_000)
  await expect(undo).toBeVisible()
  await page.clock.runFor(2_000)
  await expect(undo).toHaveCount(0)
  await expectStates(page, [id], ['closed'])
})

test('an alert that another user has changed since is not undone', async ({ page, browser, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const one = await raiseAlert(page)
  const { user, ids } = await raiseAlerts(page, 3)
  const ada = await (await browser.newContext()).newPage()
  await signIn(ada, securedServer, 'ada')
  const reassign = async (id: string) =>
    expect((await callApi(ada, 'PATCH', `/api/v1/alerts/${id}`, { assignee: 'vera' })).status).toBe(200)

  await page.goto(`${securedServer.url}/app/alerts?user_id=${one.user}`)
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).click()
  await expectStates(page, [one.id], ['acknowledged'])
  await reassign(one.id)
  await undoButton(page, 'Alert acknowledged').click()
  await expect(page.getByText('1 alert had changed since. Nothing was undone.')).toBeVisible()
  await expectStates(page, [one.id], ['acknowledged'])
  expect((await fetchAlert(page, one.id)).assignee).toBe('vera')

  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
  await selectAll(page).check()
  await bulkBar(page).getByRole('button', { name: 'Acknowledge' }).click()
  await expectStates(page, ids, ['acknowledged', 'acknowledged', 'acknowledged'])
  await reassign(ids[1] ?? '')
  await undoButton(page, '3 alerts acknowledged').click()
  await expect(page.getByText('2 alerts restored. 1 alert had changed since')).toBeVisible()
  await expectStates(page, ids, ['open', 'acknowledged', 'open'])
  await ada.context().close()
})

test('a bulk update leaves out alerts that another user has changed', async ({ page, browser, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, ids } = await raiseAlerts(page, 3)
  const ada = await (await browser.newContext()).newPage()
  await signIn(ada, securedServer, 'ada')
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
  await expectLoaded(page, 'Alerts')
  await selectAll(page).check()
  const release = await holdRequests(page, /\/api\/v1\/alerts\?.*(sort|count)/) // the list shows the older version
  await callApi(ada, 'PATCH', `/api/v1/alerts/${ids[1]}`, { assignee: 'vera' })
  await page.keyboard.press('y')
  await page.getByRole('dialog', { name: 'Acknowledge 3 alerts' }).getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('2 alerts acknowledged. 1 alert was not changed')).toBeVisible()
  release()
  await expectStates(page, ids, ['acknowledged', 'open', 'acknowledged'])
  await undoButton(page, '2 alerts acknowledged').click()
  await expect(page.getByText('2 alerts restored', { exact: true })).toBeVisible()
  await expectStates(page, ids, ['open', 'open', 'open'])
  expect((await fetchAlert(page, ids[1] ?? '')).assignee).toBe('vera') // the change of the other user stays
  await ada.context().close()
})

test('closing leaves the outcomes of closed alerts alone', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, ids } = await raiseAlerts(page, 3)
  await callApi(page, 'PATCH', `/api/v1/alerts/${ids[0]}`, { state: 'closed', disposition: 'confirmed' })
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}&state__in=all`)
  await expect(checkboxes(page)).toHaveCount(3)
  await selectAll(page).check()
  await bulkBar(page).getByRole('button', { name: 'False positive' }).click()
  await expect(page.getByText('2 alerts closed as false positive')).toBeVisible()
  await expectStates(page, ids, ['closed', 'closed', 'closed'])
  expect((await fetchAlert(page, ids[0] ?? '')).disposition).toBe('confirmed')
})

test('a bulk action applies to all matching alerts, also those of other pages', async ({ page, securedServer }) => {
  test.slow() // records and changes 60 alerts
  await signIn(page, securedServer, 'olga')
  const { user, ids } = await raiseAlerts(page, 60)
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
  await expectLoaded(page, 'Alerts')
  await expect(checkboxes(page)).toHaveCount(50)
  await selectAll(page).check()
  await page.getByRole('button', { name: 'Select all 60 matching' }).click()
  await expect(page.getByText('60 selected', { exact: true })).toBeVisible()
  await bulkBar(page).getByRole('button', { name: 'False positive' }).click()
  const dialog = page.getByRole('dialog', { name: 'Close as false positive: 60 alerts' })
  await dialog.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('No alerts match these filters')).toBeVisible()
  const countClosed = async () =>
    (await callApi(page, 'GET', `/api/v1/alerts?user_id=${user}&state=closed&limit=100`)).body.length
  expect(await countClosed()).toBe(60)
  await undoButton(page, '60 alerts closed as false positive').click()
  await expect(page.getByText('60 alerts restored')).toBeVisible()
  expect(await countClosed()).toBe(0)
  expect((await fetchAlert(page, ids[7] ?? '')).state).toBe('open')
})

test('alerts are grouped by rule and by person, and a group is closed at once', async ({ page, securedServer }) => {
  test.slow() // axe checks the groups three times
  await signIn(page, securedServer, 'olga')
  const rising = await raiseAlerts(page, 14)
  const other = await raiseAlert(page)
  await page.goto(`${securedServer.url}/app/alerts?user_id__in=${rising.user},${other.user}`)
  await expectLoaded(page, 'Alerts')
  await page.getByLabel('Group by').selectOption('By rule')
  await expect(page).toHaveURL(/group=rule/)
  const headings = page.getByRole('main').getByRole('heading', { level: 2 })
  await expect(headings.filter({ hasText: 'Large withdrawal' })).toHaveCount(1)
  await expect(headings.filter({ hasText: 'Rising deposits' })).toHaveCount(1)
  await page.getByLabel('Group by').selectOption('By user')
  await expect(headings.filter({ hasText: `User ${other.user}` }).first()).toBeVisible()
  await checkScreen(page, 'alerts-groups')
  const group = page.getByRole('list', { name: `User ${rising.user}` })
  await expect(group.getByRole('listitem')).toHaveCount(14)
  await page.getByRole('button', { name: 'Close all 14 as false positive' }).click()
  await page
    .getByRole('dialog', { name: 'Close as false positive: 14 alerts' })
    .getByRole('button', { name: 'Continue' })
    .click()
  await expect(group).toHaveCount(0)
  await expectStates(page, [rising.ids[0] ?? '', rising.ids[13] ?? '', other.id], ['closed', 'closed', 'open'])
  await undoButton(page, '14 alerts closed as false positive').click()
  await expect(group.getByRole('listitem')).toHaveCount(14)
  await expectStates(page, [rising.ids[0] ?? '', rising.ids[13] ?? ''], ['open', 'open'])
})

// Groups change the order, and Shift selects what is between on the screen.
test('in groups, Shift selects the alerts between two on the screen', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const first = await raiseAlerts(page, 2)
  const second = await raiseAlerts(page, 2)
  await callApi(page, 'POST', '/api/v1/events', [
    { type: 'deposit', amount: '90.00', user_id: first.user, time: 1_650_001_000 }, // the newest alert
  ])
  await page.goto(`${securedServer.url}/app/alerts?user_id__in=${first.user},${second.user}&group=user`)
  await expectLoaded(page, 'Alerts')
  const group = page.getByRole('list', { name: `User ${first.user}` }).getByRole('checkbox')
  await expect(group).toHaveCount(3)
  await group.first().check()
  await group.last().click({ modifiers: ['Shift'] })
  await expect(page.getByText('3 selected', { exact: true })).toBeVisible()
  for (const box of await group.all()) await expect(box).toBeChecked()
})

test('a group of a rule is closed without the alerts of other groups and filters', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const rising = await raiseAlerts(page, 3)
  const { body: both } = await callApi(page, 'POST', '/api/v1/events', {
    type: 'deposit', // also more than the limit of rule 123
    amount: '5000.00',
    user_id: rising.user,
    time: 1_650_000_001,
  })
  const { alert_codes: codes } = await fetchAlert(page, both.alert_id)
  expect(codes).toEqual([123, 300])
  await page.goto(`${securedServer.url}/app/alerts?user_id=${rising.user}&group=rule`)
  const list = (name: string) => page.getByRole('list', { name, exact: true }).getByRole('listitem')
  await expect(list('Deposit total in time window')).toHaveCount(1)
  await expect(list('Rising deposits')).toHaveCount(3)
  await page.getByRole('button', { name: 'Close all 3 as false positive' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('3 alerts closed as false positive')).toBeVisible()
  await expect(list('Rising deposits')).toHaveCount(0)
  await expectStates(page, [...rising.ids, both.alert_id], ['closed', 'closed', 'closed', 'open'])
})

test('a snoozed alert leaves the inbox until a time, and a filter shows it', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, id } = await raiseAlert(page)
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
  await expectLoaded(page, 'Alerts')
  await page.keyboard.press('z')
  const dialog = page.getByRole('dialog', { name: 'Snooze alert' })
  await expect(dialog.getByRole('button', { name: '1 hour' })).toBeFocused()
  await checkScreen(page, 'alert-snooze')
  await dialog.getByRole('button', { name: 'Tomorrow morning' }).click()
  await expect(page.getByText('Alert snoozed')).toBeVisible()
  await expect(page.getByText('No alerts match these filters')).toBeVisible()
  const { snoozed_until } = await fetchAlert(page, id)
  const hours = (Date.parse(snoozed_until) - Date.now()) / 3_600_000
  expect(hours).toBeGreaterThan(0)
  expect(hours).toBeLessThan(33)
  expect(new Date(snoozed_until).getUTCHours()).toBe(8) // the browser is in UTC
  await page.getByRole('button', { name: 'Snoozed', exact: true }).click()
  await expect(chips(page)).toContainText([/Snoozed: Yes/])
  await expect(alertItem(page, user)).toContainText('Snoozed')
  await expect(page.getByRole('region', { name: 'Chosen alert' })).toContainText(/snoozed until .* 08:00/)
  await page.getByRole('button', { name: 'End snooze' }).click()
  await expect(alertItem(page, user)).toHaveCount(0)
  expect((await fetchAlert(page, id)).snoozed_until).toBeNull()
})

test('an alert is snoozed until a day and time of choice', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const { user, id } = await raiseAlert(page)
  await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
  await page.getByRole('button', { name: 'Snooze…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Snooze alert' })
  await expect(dialog.getByRole('button', { name: 'Snooze', exact: true })).toBeDisabled()
  await dialog.getByLabel('Until').fill(`${isoDay(20)}T09:30`)
  await dialog.getByRole('button', { name: 'Snooze', exact: true }).click()
  await expect(page.getByText('Alert snoozed')).toBeVisible()
  const { snoozed_until } = await fetchAlert(page, id)
  expect(new Date(snoozed_until).toISOString()).toBe(`${isoDay(20)}T09:30:00.000Z`) // the browser is in UTC
  await undoButton(page, 'Alert snoozed').click()
  await expect(alertItem(page, user)).toBeVisible()
  expect((await fetchAlert(page, id)).snoozed_until).toBeNull()
})

test.describe('conflicts and errors', () => {
  test.use({ expectedErrors: /status of (400|409|412|422)/ })

  test('two users who close the same alert get a conflict instead of overwriting each other', async ({
    browser,
    page,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    const ada = await (await browser.newContext()).newPage()
    await signIn(ada, securedServer, 'ada', `/app/alerts/${id}`)
    await ada.getByRole('button', { name: 'Close…' }).click()
    await ada.getByLabel('Confirmed').check()
    await ada.getByRole('dialog').getByLabel('Note').fill('Fraud.')
    await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
    await page.getByRole('button', { name: 'Assign to me' }).click()
    await expect(page.getByText('Alert assigned to Olga Berg')).toBeVisible()
    await expect(page.getByRole('button', { name: 'Assign to me' })).toHaveCount(0)
    await page.getByRole('button', { name: 'Close…' }).click()
    await page.getByLabel('False positive').check()
    await page.getByRole('button', { name: 'Close alert' }).click()
    await expect(alertItem(page, user)).toHaveCount(0)
    await ada.getByRole('button', { name: 'Close alert' }).click() // based on the version that she opened
    const dialog = ada.getByRole('dialog', { name: 'Another user edited this while you did' })
    await expect(dialog).toContainText('Theirs: False positive')
    await expect(dialog).toContainText('They also changed Assignee: – → Olga Berg')
    await checkScreen(ada, 'alert-conflict')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(ada.getByRole('main').getByText('Confirmed', { exact: true }).first()).toBeVisible()
    await expect(ada.getByRole('button', { name: 'Undo' })).toHaveCount(0) // the change replaced other values
    await expect.poll(() => fetchAlert(page, id)).toMatchObject({
      state: 'closed',
      assignee: 'olga',
      disposition: 'confirmed',
      note: 'Fraud.',
      version: 4,
    })
    await ada.context().close()
  })

  test('a rejected change is rolled back and the form opens again with the input', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
    await page.getByRole('button', { name: 'Close…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Close alert' })
    await dialog.getByLabel('Note').fill('x'.repeat(10_001))
    await dialog.getByRole('button', { name: 'Close alert' }).click()
    await expect(dialog.getByLabel('Note')).toHaveAccessibleDescription(/must be at most 10,?000 characters/i)
    await expect(dialog.getByLabel('Note')).toHaveValue('x'.repeat(10_001))
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await expect(alertItem(page, user)).toBeVisible()
    await expectStates(page, [id], ['open'])
  })

  test('text that matches no user assigns nothing', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    await callApi(page, 'PATCH', `/api/v1/alerts/${id}`, { assignee: 'vera' })
    await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
    await page.getByRole('button', { name: 'Assign…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Assign alert' })
    const field = dialog.getByRole('combobox', { name: 'Assignee' })
    await expect(field).toHaveValue('Vera Rubin')
    await field.fill('jane.smth')
    await expect(page.getByText('No match')).toBeVisible()
    await field.press('Enter')
    await expect(dialog).toBeVisible() // nothing was submitted
    await field.press('Tab')
    await expect(dialog.getByText('“jane.smth” was not selected.')).toBeVisible()
    await expect(field).toHaveValue('Vera Rubin')
    await field.fill('Jane Miller') // four persons have this name
    await field.press('Tab')
    await expect(field).toHaveValue('Vera Rubin')
    await field.fill('ADA LOVELACE')
    await field.press('Tab')
    await expect(field).toHaveValue('Ada Lovelace')
    await field.fill('')
    await field.press('Tab')
    await dialog.getByRole('button', { name: 'Unassign' }).click()
    await expect(page.getByText('Alert unassigned')).toBeVisible()
    expect((await fetchAlert(page, id)).assignee).toBeNull()
    await expect(chosenAlert(page)).toBeVisible()
    await expect(alertLink(page, user)).toBeVisible()
  })
})
