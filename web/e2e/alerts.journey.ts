import { addFilter, changeFilter, chips } from './filterForm'
import {
  callApi,
  checkScreen,
  countResponses,
  expect,
  expectLoaded,
  expectNotReloaded,
  holdRequests,
  markPage,
  type Page,
  signIn,
  switchUser,
  test,
} from './fixtures'
import { largeWithdrawal, newUserId, recordEvents } from './ledger'
import { typeByHand } from './scanner'

// The alert inbox: new alerts appear automatically, and operators acknowledge, assign and close them.

const alertRow = (page: Page, user: number) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name: `User ${user}:` }) })

/** raiseAlert records an event of a new user that triggers an alert. It uses the session of the page. */
async function raiseAlert(page: Page, amount = '7142.50'): Promise<{ user: number; id: string }> {
  const user = newUserId()
  const { status, body } = await callApi(page, 'POST', '/api/v1/events', largeWithdrawal(user, amount))
  expect(status).toBe(201)
  return { user, id: body.alert_id }
}

test('a new alert appears automatically; acknowledging and closing it is recorded in its history', async ({
  page,
  openServer,
}) => {
  test.slow() // axe checks a hundred rows
  const countLists = countResponses(page, '/api/v1/alerts?')
  await page.goto(`${openServer.url}/app/alerts`)
  await expectLoaded(page, 'Alerts')
  await expect(page.getByRole('banner')).toContainText('Live')
  await expect.poll(countLists).toBeGreaterThan(1) // lists are fetched again once after the stream opens
  await markPage(page)
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user)])
  await expect(alertRow(page, user)).toContainText('Large withdrawal')
  const nextUser = newUserId()
  await recordEvents(openServer, [largeWithdrawal(nextUser)])
  await expect(alertRow(page, nextUser)).toContainText('Large withdrawal')
  await checkScreen(page, 'alerts')
  await alertRow(page, user).getByRole('link').click()
  await expectLoaded(page, `Alert for user ${user}: 1100`)
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await expect(page.getByText('Alert acknowledged', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Close alert' })
  await dialog.getByLabel('False positive').check()
  await dialog.getByLabel('Note').fill('A freezer was bought.')
  await checkScreen(page, 'alert-close')
  await dialog.getByRole('button', { name: 'Close alert' }).click()
  const details = page.getByRole('region', { name: 'Details' })
  await expect(details).toContainText('Closed')
  await expect(details).toContainText('A freezer was bought.')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('State: acknowledged → closed')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Changed by anonymous')
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
  await expectLoaded(page, `Alert for user ${user}: 123, 300`)
  const reasons = page.getByRole('region', { name: 'Reasons' })
  await expect(reasons).toContainText(
    'Deposits within 30 seconds add up to 206.01; the limit at medium risk is 200.00.',
  )
  await expect(reasons).toContainText('3 rising deposits in a row; the limit at medium risk is 3.')
  const counted = reasons.getByRole('list', { name: 'Events counted by rule 123' }).getByRole('link')
  await expect(counted).toHaveText(['Deposit 130.01', 'Deposit 70.00', 'Deposit 6.00'])
  await checkScreen(page, 'alert')
  await counted.nth(1).click()
  await expectLoaded(page, `Deposit 70.00 by user ${user}`)
  await page.goBack()
  await reasons.getByRole('link', { name: 'Rule 300, version' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('300')
})

test('a filter shows the value that it filters by before its options arrive', async ({ page, openServer }) => {
  const releaseRules = await holdRequests(page, '**/api/v1/rules*')
  await page.goto(`${openServer.url}/app/alerts?alert_codes=300`)
  await expectLoaded(page, 'Alerts')
  await expect(chips(page)).toHaveText([/State: Open/, /Rule: 300×/])
  releaseRules()
  await expect(chips(page)).toHaveText([/State: Open/, /Rule: 300 Rising deposits×/])
})

test('the inbox can be used with the keyboard alone', async ({ page, openServer }) => {
  test.slow() // axe checks a hundred rows
  const users = [newUserId(), newUserId(), newUserId(), newUserId()] as const
  for (const user of users) await recordEvents(openServer, [largeWithdrawal(user, '8142.01')])
  const [d, c, b, a] = users // newest first
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Home')
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await expectLoaded(page, 'Alerts')
  const link = (user: number) => page.getByRole('link', { name: `User ${user}:` })
  await page.keyboard.press('j')
  await expect(link(a)).toBeFocused()
  await page.keyboard.press('y')
  const acknowledgeDialog = page.getByRole('dialog', { name: 'Acknowledge alert' })
  await expect(acknowledgeDialog.getByRole('button', { name: 'Acknowledge' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(link(a)).toHaveCount(0)
  await expect(link(b)).toBeFocused() // the next alert gets the focus
  await page.keyboard.press('j')
  await expect(link(c)).toBeFocused()
  await page.keyboard.press('k')
  await expect(link(b)).toBeFocused()
  await page.keyboard.press('ArrowDown')
  await expect(link(c)).toBeFocused()
  await page.keyboard.press('i')
  await expect(page.getByRole('dialog', { name: 'Assign alert' }).getByLabel('Assignee')).toBeFocused()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('jack') // shortcuts do not fire in a text field
  await checkScreen(page, 'alert-assign')
  await page.keyboard.press('Enter')
  await expect(alertRow(page, c)).toContainText('jack')
  // Actions on the alert are blocked until it is saved.
  await expect(page.getByText('Alert assigned to jack')).toBeVisible()
  await expect(link(c)).toBeFocused()
  await page.keyboard.press('q')
  await expect(page.getByRole('dialog', { name: 'Close alert' }).getByLabel('Undetermined')).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Tab')
  await typeByHand(page, 'Closed by k e y s')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(link(c)).toHaveCount(0)
  await expect(link(d)).toBeFocused()
  await page.keyboard.press('Enter')
  await expectLoaded(page, `Alert for user ${d}: 1100`)
  await page.goto(`${openServer.url}/app/alerts?state=closed&user_id=${c}`)
  await link(c).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Closed by k e y s')
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('False positive')
})

test.describe('search', () => {
  test.use({ expectedErrors: /status of 404/ }) // the ID does not belong to an event

  test('finds an alert by its ID and a rule by a word of its title', async ({ page, openServer }) => {
    const user = newUserId()
    const [recorded] = await recordEvents(openServer, [largeWithdrawal(user)])
    await page.goto(`${openServer.url}/app/`)
    await expectLoaded(page, 'Home')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill(recorded?.alert_id ?? '')
    await page.getByRole('option', { name: new RegExp(`^alert 1100 of user ${user}`, 'i') }).click()
    await expectLoaded(page, `Alert for user ${user}: 1100`)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill('RISING')
    await page.getByRole('option', { name: 'Rising deposits' }).click()
    await expectLoaded(page, '300 Rising deposits')
  })
})

test('filters are stored in the URL', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user), { type: 'withdraw', amount: '1.00', user_id: user, time: 2 }])
  await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
  await expect(alertRow(page, user)).toHaveCount(1)
  await changeFilter(page, 'State: Open', 'State', { checked: ['Acknowledged'] })
  await expect(page).toHaveURL(/user_id=\d+&state=acknowledged$/)
  await expect(page.getByText('No alerts match these filters')).toBeVisible()
  await checkScreen(page, 'alerts-none')
  await page.getByRole('button', { name: 'Remove filter State: Acknowledged' }).click()
  await expect(page).toHaveURL(/state=all/)
  await expect(alertRow(page, user)).toHaveCount(1)
  await addFilter(page, 'Rule', 'includes', { option: '30 Consecutive withdrawals' })
  await expect(page.getByText('No alerts match these filters')).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(page).toHaveURL(/\/alerts\?state=all$/)
  await expect(alertRow(page, user)).toHaveCount(1)
})

test.describe('conflicts and errors', () => {
  test.use({ expectedErrors: /status of (400|403|404|412)/ })

  test('two users who close the same alert get a conflict instead of overwriting each other', async ({
    browser,
    page,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    const ada = await (await browser.newContext()).newPage()
    await signIn(ada, securedServer, 'ada', `/app/alerts/${id}`)
    await ada.getByRole('button', { name: 'Close', exact: true }).click()
    await ada.getByLabel('Confirmed').check()
    await ada.getByLabel('Note').fill('Fraud.')
    await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
    await alertRow(page, user).getByRole('button', { name: 'Assign' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Assign' }).click()
    await expect(alertRow(page, user)).toContainText('olga')
    await alertRow(page, user).getByRole('button', { name: 'Close' }).click()
    await page.getByLabel('False positive').check()
    await page.getByRole('button', { name: 'Close alert' }).click()
    await expect(alertRow(page, user)).toHaveCount(0)
    await ada.getByRole('button', { name: 'Close alert' }).click() // based on the version that she opened
    const dialog = ada.getByRole('dialog', { name: 'Another user edited this while you did' })
    await expect(dialog).toContainText('Theirs: false_positive')
    await expect(dialog).toContainText('They also changed Assignee: – → olga')
    await checkScreen(ada, 'alert-conflict')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(ada.getByRole('region', { name: 'Details' })).toContainText('Confirmed')
    await expect.poll(async () => (await callApi(page, 'GET', `/api/v1/alerts/${id}`)).body).toMatchObject({
      state: 'closed',
      assignee: 'olga',
      disposition: 'confirmed',
      note: 'Fraud.',
      version: 4,
    })
    await ada.context().close()
  })

  test('a bulk update skips alerts that another user has changed', async ({ page, securedServer }) => {
    test.slow() // axe checks a hundred rows
    await signIn(page, securedServer, 'olga')
    const alerts = [await raiseAlert(page), await raiseAlert(page), await raiseAlert(page)] as const
    await page.goto(`${securedServer.url}/app/alerts`)
    await expectLoaded(page, 'Alerts')
    for (const { user } of alerts) await alertRow(page, user).getByRole('checkbox').check()
    await expect(page.getByRole('region', { name: 'Selected alerts' })).toContainText('3 selected')
    await checkScreen(page, 'alerts-selected')
    await page.route(`**/api/v1/alerts/${alerts[1].id}`, async (route) => {
      if (route.request().method() !== 'PATCH') return route.continue()
      // Simulates a version conflict.
      await route.continue({ headers: { ...route.request().headers(), 'if-match': '"77"' } })
    })
    await page.keyboard.press('y')
    const dialog = page.getByRole('dialog', { name: 'Acknowledge 3 alerts' })
    await Promise.all([
      expect(page.getByText('2 alerts acknowledged')).toBeVisible(), // for five seconds
      dialog.getByRole('button', { name: 'Acknowledge' }).click(),
    ])
    await expect(page.getByText('1 alert was not changed. Another user made a change first.')).toBeVisible()
    await expect(page.getByRole('region', { name: 'Selected alerts' })).toContainText('1 selected')
    for (const [i, state] of ['acknowledged', 'open', 'acknowledged'].entries())
      expect((await callApi(page, 'GET', `/api/v1/alerts/${alerts[i]?.id}`)).body.state).toBe(state)
  })

  test('a rejected change is rolled back and the form opens again with the input', async ({ page, openServer }) => {
    const user = newUserId()
    await recordEvents(openServer, [largeWithdrawal(user)])
    await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
    await alertRow(page, user).getByRole('button', { name: 'Assign' }).click()
    await page.getByRole('dialog').getByLabel('Assignee').fill('x'.repeat(101))
    await page.getByRole('dialog').getByRole('button', { name: 'Assign' }).click()
    await expect(page.getByRole('dialog').getByLabel('Assignee')).toHaveAccessibleDescription(
      /must be at most 100 characters/,
    )
    await expect(page.getByRole('dialog').getByLabel('Assignee')).toHaveValue('x'.repeat(101))
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await expect(alertRow(page, user)).not.toContainText('xxx')
  })

  test('a viewer sees alerts but no actions', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    await switchUser(page, securedServer, 'vera', '/app/alerts')
    await expect(alertRow(page, user)).toBeVisible()
    await expect(page.getByRole('main').getByRole('checkbox')).toHaveCount(0)
    for (const name of ['Acknowledge', 'Close', 'Assign'])
      await expect(page.getByRole('main').getByRole('button', { name, exact: true })).toHaveCount(0)
    await page.keyboard.press('j')
    await page.keyboard.press('y')
    await page.keyboard.press('q')
    await expect(page.getByRole('dialog')).toHaveCount(0)
    const { status } = await callApi(page, 'PATCH', `/api/v1/alerts/${id}`, { state: 'acknowledged' })
    expect(status).toBe(403)
    await page.goto(`${securedServer.url}/app/alerts/${id}`)
    await expectLoaded(page, `Alert for user ${user}: 1100`)
    for (const name of ['Acknowledge', 'Close', 'Assign'])
      await expect(page.getByRole('main').getByRole('button', { name, exact: true })).toHaveCount(0)
  })

  test('an unknown alert shows an error', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/alerts/00000000-0000-7000-8000-000000000000`)
    await expect(page.getByText('Not found', { exact: true })).toBeVisible()
  })
})
