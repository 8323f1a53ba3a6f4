import { addFilter, changeFilter, chips } from './filterForm'
import {
  checkScreen,
  countResponses,
  expect,
  expectLoaded,
  expectNotReloaded,
  holdRequests,
  markPage,
  menuLink,
  rowHistory,
  signIn,
  switchUser,
  test,
} from './fixtures'
import { alertItem, alertLink, chosenAlert, fetchAlert } from './inbox'
import { largeWithdrawal, newUserId, raiseAlert, recordEvents } from './ledger'
import { typeByHand } from './scanner'

// The alert inbox: new alerts appear automatically, and operators acknowledge, assign and close them.

const title = (user: number, amount = '7142.50') => `User ${user}: withdrawal of ${amount}, limit 100.00`

test('a new alert appears automatically; acknowledging and closing it is recorded in its history', async ({
  page,
  openServer,
}) => {
  test.slow() // axe checks fifty alerts
  const countLists = countResponses(page, '/api/v1/alerts?')
  await page.goto(`${openServer.url}/app/alerts`)
  await expectLoaded(page, 'Alerts')
  await expect.poll(countLists).toBeGreaterThan(1) // lists are fetched again once after the stream opens
  await markPage(page)
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user)])
  await expect(alertItem(page, user)).toContainText('withdrawal of 7142.50, limit 100.00')
  await expect(alertItem(page, user)).toContainText('Critical')
  const nextUser = newUserId()
  await recordEvents(openServer, [largeWithdrawal(nextUser)])
  await expect(alertItem(page, nextUser)).toBeVisible()
  await alertLink(page, user).click()
  await expect(chosenAlert(page)).toHaveText(title(user))
  await checkScreen(page, 'alerts')
  await page.getByRole('link', { name: 'Open as a page, with todos and history' }).click()
  await expectLoaded(page, title(user))
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await expect(page.getByText('Alert acknowledged', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Close…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Close alert' })
  await dialog.getByLabel('False positive').check()
  await dialog.getByLabel('Note').fill('A freezer was bought.')
  await checkScreen(page, 'alert-close')
  await dialog.getByRole('button', { name: 'Close alert' }).click()
  const main = page.getByRole('main')
  await expect(main.getByText('Closed', { exact: true }).first()).toBeVisible()
  await expect(main.getByText('False positive', { exact: true }).first()).toBeVisible()
  await expect(page.getByRole('region', { name: 'Notes' })).toContainText('A freezer was bought.')
  const history = rowHistory(page)
  await expect(history).toContainText('State: Acknowledged → Closed')
  await expect(history).toContainText('Outcome: – → False positive')
  await expect(history).toContainText(/anonymous/i)
  await expect(page.getByRole('button', { name: 'Acknowledge' })).toHaveCount(0)
  await expectNotReloaded(page)
})

test('an alert shows its reasons with the events that each rule counted', async ({ page, openServer }) => {
  const user = newUserId()
  const baseTime = 1_700_000_000
  const recorded = await recordEvents(openServer, [
    { type: 'withdraw', amount: '5.00', user_id: user, time: baseTime - 1000 },
    { type: 'deposit', amount: '6.00', user_id: user, time: baseTime },
    { type: 'deposit', amount: '70.00', user_id: user, time: baseTime + 10 },
    { type: 'withdraw', amount: '1.00', user_id: user, time: baseTime + 11 },
    { type: 'deposit', amount: '130.01', user_id: user, time: baseTime + 20 },
  ])
  expect(recorded[4]?.alert_codes).toEqual([123, 300])
  await page.goto(`${openServer.url}/app/alerts/${recorded[4]?.alert_id}`)
  await expectLoaded(page, `User ${user}: deposits of 206.01 in 30 s, limit 200.00; 3 rising deposits, limit 3`)
  const total = page.getByRole('region', { name: 'Deposit total in time window' })
  await expect(total).toContainText('Deposits within 30 seconds add up to 206.01; the limit at medium risk is 200.00.')
  await expect(page.getByRole('region', { name: 'Rising deposits' })).toContainText(
    '3 rising deposits in a row; the limit at medium risk is 3.',
  )
  const counted = page.getByRole('table', { name: 'Events counted by rule 123' }).getByRole('row')
  await expect(counted).toContainText(['Time', 'Deposit6.006.00', 'Deposit70.0076.00', 'Deposit130.01206.01'])

  // The chart marks the counted events, and leaves out what happened long before.
  const chart = page.getByRole('figure', { name: 'Deposits and withdrawals around the alert' })
  await chart.getByText('Show as table').click()
  const values = chart.getByRole('table').getByRole('row')
  await expect(values).toHaveCount(5)
  await expect(chart.getByRole('columnheader')).toHaveText(['Time', 'Other events', 'Counted'])
  await expect(chart.getByRole('cell')).toHaveText(['–', '130.01', '-1', '–', '–', '70', '–', '6'])
  await checkScreen(page, 'alert')
  await counted.nth(2).getByRole('link', { name: 'Deposit' }).click()
  await expectLoaded(page, `Deposit 70.00 by User ${user}`)
  await page.goBack()
  await total.getByRole('link', { name: 'Deposit total in time window' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Deposit total in time window')
})

test('the person of an alert and the notes are beside it', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga', '/app/alerts?user_id=900002')
  await page.getByRole('link', { name: 'Harry Osei' }).nth(1).click()
  await expect(chosenAlert(page)).toHaveText('Harry Osei: 15 rising deposits, limit 3')
  const person = page.getByRole('region', { name: 'User' })
  await expect(person).toContainText('Risk level at the time: medium')
  await expect(person).toContainText(/^Harry Osei.*1\d alerts in 30 days, \d+ false positive/)
  const notes = page.getByRole('region', { name: 'Notes' })
  for (const note of ['Same as last week.', 'He refills the rack.']) {
    await notes.getByLabel('Add a note').fill(note)
    await notes.getByRole('button', { name: 'Save note' }).click()
    await expect(notes).toContainText(`Olga Berg just now: ${note}`)
    await expect(notes.getByLabel('Add a note')).toHaveValue('')
  }
  await expect(notes).toContainText(/Same as last week\..*He refills the rack\./s) // oldest first
  await person.getByRole('link', { name: 'All alerts' }).click()
  await expect(page).toHaveURL(/user_id=900002&state=all&snoozed=all$/)
  await expect(chips(page)).toHaveText([/User: Harry Osei/])
  await page.goBack()
  await page.getByRole('region', { name: 'User' }).getByRole('link', { name: 'Harry Osei' }).click()
  await expectLoaded(page, 'Harry Osei')
})

test('a filter shows the value that it filters by before its options arrive', async ({ page, openServer }) => {
  const releaseRules = await holdRequests(page, '**/api/v1/rules*')
  await page.goto(`${openServer.url}/app/alerts?alert_codes=300`)
  await expectLoaded(page, 'Alerts')
  const others = [/State: Open or Acknowledged/, /Snoozed: No/]
  await expect(chips(page)).toHaveText([...others, /^Rule: 300$/])
  releaseRules()
  await expect(chips(page)).toHaveText([...others, /^Rule: Rising deposits \(300\)$/])
})

test('the inbox can be used with the keyboard alone', async ({ page, securedServer }) => {
  test.slow() // axe checks fifty alerts
  await signIn(page, securedServer, 'olga')
  const alerts = [await raiseAlert(page), await raiseAlert(page), await raiseAlert(page), await raiseAlert(page)] as const
  const [d, c, b, a] = alerts.map(({ user }) => user) as [number, number, number, number] // newest first
  await expectLoaded(page, 'Overview')
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await expectLoaded(page, 'Alerts')
  await expect(chosenAlert(page)).toHaveText(title(a)) // the newest is shown
  await page.keyboard.press('j')
  await expect(alertLink(page, b)).toBeFocused()
  await expect(chosenAlert(page)).toHaveText(title(b))
  await page.keyboard.press('k')
  await expect(alertLink(page, a)).toBeFocused()
  await page.keyboard.press('v')
  const closing = page.getByRole('dialog', { name: 'Close as false positive: alert' })
  await expect(closing.getByRole('button', { name: 'Continue' })).toBeFocused()
  await checkScreen(page, 'alert-confirm')
  await page.keyboard.press('Enter')
  await expect(alertItem(page, a)).toHaveCount(0)
  await expect(chosenAlert(page)).toHaveText(title(b)) // the next alert is chosen
  await expect(page).toHaveURL(/[?&]id=/)
  await page.keyboard.press('j')
  await expect(alertLink(page, c)).toBeFocused()
  await page.keyboard.press('y')
  await expect(page.getByRole('dialog', { name: 'Acknowledge alert' })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(alertItem(page, c)).toContainText('Acknowledged')
  await page.keyboard.press('i')
  const assignee = page.getByRole('dialog', { name: 'Assign alert' }).getByRole('combobox', { name: 'Assignee' })
  await expect(assignee).toBeFocused()
  await typeByHand(page, 'vera') // shortcuts do not fire in a text field
  await expect(page.getByRole('listbox', { name: 'Assignee' }).getByRole('option')).toHaveText([/Vera Rubin/])
  await checkScreen(page, 'alert-assign')
  await page.keyboard.press('Enter') // chooses Vera
  await expect(assignee).toHaveValue('Vera Rubin')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Alert assigned to Vera Rubin')).toBeVisible()
  await expect(page.getByRole('main')).toContainText(/Assignee:\s*(VR)?Vera Rubin/)
  await page.keyboard.press('q')
  await expect(page.getByRole('dialog', { name: 'Close alert' }).getByLabel('Undetermined')).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Tab')
  await typeByHand(page, 'Closed by k e y s')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(alertItem(page, c)).toHaveCount(0)
  await expect(chosenAlert(page)).toHaveText(title(d))
  await expect(page.getByRole('region', { name: 'Notes' })).toBeVisible()
  expect(await fetchAlert(page, alerts[1].id)).toMatchObject({
    state: 'closed',
    disposition: 'false_positive',
    assignee: 'vera',
    note: 'Closed by k e y s',
  })
})

test.describe('search', () => {
  test.use({ expectedErrors: /status of 404/ }) // the ID does not belong to an event

  test('finds an alert by its ID and a rule by a word of its title', async ({ page, openServer }) => {
    const user = newUserId()
    const [recorded] = await recordEvents(openServer, [largeWithdrawal(user)])
    await page.goto(`${openServer.url}/app/`)
    await expectLoaded(page, 'Overview')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill(recorded?.alert_id ?? '')
    await page.getByRole('group', { name: /^Alerts/ }).getByRole('option').click()
    await expectLoaded(page, title(user))
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill('RISING')
    await page.getByRole('option', { name: 'Rising deposits' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Rising deposits')
  })
})

test('filters are stored in the URL', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user), { type: 'withdraw', amount: '1.00', user_id: user, time: 2 }])
  await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
  await expect(alertItem(page, user)).toHaveCount(1)
  await changeFilter(page, 'State: Open or Acknowledged', 'State', { checked: ['Acknowledged'] })
  await expect(page).toHaveURL(/user_id=\d+&state__in=all&state=acknowledged$/)
  await expect(page.getByText('No alerts match these filters')).toBeVisible()
  await checkScreen(page, 'alerts-none')
  await page.getByRole('button', { name: 'Remove filter State: Acknowledged' }).click()
  await expect(page).toHaveURL(/user_id=\d+&state__in=all$/)
  await expect(alertItem(page, user)).toHaveCount(1)
  await addFilter(page, 'Rule', 'includes', { option: 'Consecutive withdrawals (30)' })
  await expect(page.getByText('No alerts match these filters')).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(page).toHaveURL(/\/alerts\?state__in=all&snoozed=all$/)
  await expect(alertItem(page, user)).toHaveCount(1)
  await menuLink(page, 'Alerts').click()
  await expect(chips(page)).toHaveText([/State: Open or Acknowledged/, /Snoozed: No/])
})

test('alerts are found by the name of the person and by severity', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/alerts`)
  await expectLoaded(page, 'Alerts')
  await page.getByRole('button', { name: 'Add filter' }).click()
  const form = page.getByRole('dialog', { name: 'Filter' })
  await form.getByLabel('Column').selectOption({ label: 'User' })
  const person = form.getByRole('combobox', { name: 'User' })
  await person.fill('osei')
  await page.getByRole('option', { name: /Harry Osei.*technician2$/ }).click() // one of three with this name
  await form.getByRole('button', { name: 'Apply' }).click()
  await expect(page).toHaveURL(/user_id=900002/)
  await expect(chips(page)).toContainText([/User: Harry Osei/])
  const names = page.getByRole('list', { name: 'Alerts' }).getByRole('link')
  await expect(names).toHaveText(Array.from({ length: 15 }, () => 'Harry Osei'))
  await page.getByRole('button', { name: 'Critical' }).click()
  await expect(page.getByRole('list', { name: 'Alerts' }).getByRole('listitem')).toContainText([
    /^Critical.*withdrawal of 142\.50/,
  ])
  await expect(chips(page)).toContainText([/Severity: Critical/])
  await page.getByRole('button', { name: 'Remove filter User: Harry Osei' }).click()
  await addFilter(page, 'User', 'contains', { text: 'fernández' })
  await expect(page).toHaveURL(/user_display_name__contains=fern/)
  await expect(names.first()).toHaveText('Lucía Fernández')
  expect(new Set(await names.allInnerTexts())).toEqual(new Set(['Lucía Fernández']))
  await page.getByRole('button', { name: 'List' }).click()
  const severities = page.getByRole('row').getByText('Critical', { exact: true })
  await expect(severities.first()).toBeVisible()
  await checkScreen(page, 'alerts-list')
})

test.describe('errors', () => {
  test.use({ expectedErrors: /status of (403|404)/ })

  test('a viewer sees alerts but no actions', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    await switchUser(page, securedServer, 'vera', '/app/alerts')
    await expect(alertItem(page, user)).toBeVisible()
    await expect(page.getByRole('main').getByRole('checkbox')).toHaveCount(0)
    const actions = ['Assign to me', 'Acknowledge', 'False positive', 'Close…', 'Assign…', 'Snooze…', 'Save note']
    const expectNoActions = async () => {
      for (const name of actions)
        await expect(page.getByRole('main').getByRole('button', { name, exact: true })).toHaveCount(0)
      await expect(page.getByLabel('Add a note')).toHaveCount(0)
    }
    await expectNoActions()
    for (const key of 'jyqviz') await page.keyboard.press(key)
    await expect(page.getByRole('dialog')).toHaveCount(0)
    await page.getByLabel('Group by').selectOption('By rule')
    await expect(page.getByRole('button', { name: /as false positive/ })).toHaveCount(0)
    await page.goto(`${securedServer.url}/app/alerts/${id}`)
    await expectLoaded(page, title(user))
    await expectNoActions()
  })

  test('the server rejects the changes of a viewer', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { id } = await raiseAlert(page)
    await switchUser(page, securedServer, 'vera')
    const status = await page.evaluate(
      (id) => fetch(`/api/v1/alerts/${id}`, { method: 'PATCH', body: '{}' }).then((response) => response.status),
      id,
    )
    expect(status).toBe(403)
  })

  test('an unknown alert shows an error', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/alerts/00000000-0000-7000-8000-000000000000`)
    await expect(page.getByText('Not found', { exact: true })).toBeVisible()
  })
})
