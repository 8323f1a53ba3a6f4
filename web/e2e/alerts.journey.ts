import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, switchUser, test } from './fixtures'
import { expectNotReloaded, largeWithdrawal, markPage, newUserId, recordEvents } from './ledger'

// The inbox: what the rules find comes by itself, and people settle it.

const alertRow = (page: Page, user: number) => page.getByRole('row').filter({ has: page.getByRole('link', { name: `User ${user}:` }) })

/** raiseAlert records an event of a user of its own that raises an alert, signed in as the page is. */
async function raiseAlert(page: Page, amount = '7142.50'): Promise<{ user: number; id: string }> {
  const user = newUserId()
  const { status, body } = await callApi(page, 'POST', '/api/v1/events', largeWithdrawal(user, amount))
  expect(status).toBe(201)
  return { user, id: body.alert_id }
}

test('an alert appears live, is acknowledged and closed, and its history names the actor', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/alerts`)
  await expectLoaded(page, 'Alerts')
  await expect(page.getByRole('banner')).toContainText('Live')
  await markPage(page)
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user)])
  await expect(alertRow(page, user)).toContainText('A large withdrawal')
  await page.waitForTimeout(1500) // what was read before the stream began is read anew once
  const nextUser = newUserId()
  await recordEvents(openServer, [largeWithdrawal(nextUser)])
  await expect(alertRow(page, nextUser)).toContainText('A large withdrawal')
  await checkScreen(page, 'alerts')
  await alertRow(page, user).getByRole('link').click()
  await expectLoaded(page, `Alert of user ${user}: 1100`)
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await expect(page.getByText('Acknowledged', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Close…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Close this alert' })
  await dialog.getByLabel('False positive').check()
  await dialog.getByLabel('Note').fill('A freezer was bought.')
  await checkScreen(page, 'alert-close')
  await dialog.getByRole('button', { name: 'Close it' }).click()
  const details = page.getByRole('region', { name: 'Details' })
  await expect(details).toContainText('closed')
  await expect(details).toContainText('A freezer was bought.')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('State: acknowledged → closed')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Changed by anonymous')
  await expect(page.getByRole('button', { name: 'Acknowledge' })).toHaveCount(0)
  await expectNotReloaded(page)
})

test('an alert shows each rule with the counted events', async ({ page, openServer }) => {
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
  await expectLoaded(page, `Alert of user ${user}: 123, 300`)
  const reasons = page.getByRole('region', { name: 'Why it was raised' })
  await expect(reasons).toContainText('The deposits of 30 seconds sum to 206.01. At medium risk it is raised above 200.00.')
  await expect(reasons).toContainText('The last 3 deposits rose one after the other. At medium risk it is raised from 3 on.')
  const counted = reasons.getByRole('list', { name: 'Events that rule 123 counted' }).getByRole('link')
  await expect(counted).toHaveText(['deposit 130.01', 'deposit 70.00', 'deposit 6.00'])
  await checkScreen(page, 'alert')
  await counted.nth(1).click()
  await expectLoaded(page, `deposit 70.00 of user ${user}`)
  await page.goBack()
  await reasons.getByRole('link', { name: 'Rule 300, version' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('300')
})

test('the inbox works by keyboard only', async ({ page, openServer }) => {
  const users = [newUserId(), newUserId(), newUserId(), newUserId()] as const
  for (const user of users) await recordEvents(openServer, [largeWithdrawal(user, '8142.01')])
  const [d, c, b, a] = users // the newest first
  await page.goto(`${openServer.url}/app/`)
  await expectLoaded(page, 'Home')
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await expectLoaded(page, 'Alerts')
  const link = (user: number) => page.getByRole('link', { name: `User ${user}:` })
  await page.keyboard.press('j')
  await expect(link(a)).toBeFocused()
  await page.keyboard.press('a')
  await expect(link(a)).toHaveCount(0)
  await expect(link(b)).toBeFocused() // so that one can go on
  await page.keyboard.press('j')
  await expect(link(c)).toBeFocused()
  await page.keyboard.press('k')
  await expect(link(b)).toBeFocused()
  await page.keyboard.press('ArrowDown')
  await expect(link(c)).toBeFocused()
  await page.keyboard.press('i')
  await expect(page.getByRole('dialog', { name: 'Assign this alert' }).getByLabel('Assignee')).toBeFocused()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('jack') // j, a, c and k are letters here
  await checkScreen(page, 'alert-assign')
  await page.keyboard.press('Enter')
  await expect(alertRow(page, c)).toContainText('jack')
  await expect(page.getByText('Assigned to jack')).toBeVisible() // until it is stored nothing else is done with it
  await expect(link(c)).toBeFocused()
  await page.keyboard.press('c')
  await expect(page.getByRole('dialog', { name: 'Close this alert' }).getByLabel('Not known')).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Settled by k e y s')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(link(c)).toHaveCount(0)
  await expect(link(d)).toBeFocused()
  await page.keyboard.press('Enter')
  await expectLoaded(page, `Alert of user ${d}: 1100`)
  await page.goto(`${openServer.url}/app/alerts?state=closed&user_id=${c}`)
  await link(c).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Settled by k e y s')
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('False positive')
})

test.describe('search', () => {
  test.use({ expectedErrors: /status of 404/ }) // the id is of no event

  test('finds an alert by its ID and a rule by a word of its title', async ({ page, openServer }) => {
    const user = newUserId()
    const [recorded] = await recordEvents(openServer, [largeWithdrawal(user)])
    await page.goto(`${openServer.url}/app/`)
    await expectLoaded(page, 'Home')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill(recorded?.alert_id ?? '')
    await page.getByRole('option', { name: new RegExp(`^alert 1100 of user ${user}`, 'i') }).click()
    await expectLoaded(page, `Alert of user ${user}: 1100`)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill('RISE')
    await page.getByRole('option', { name: 'Deposits rise one after the other' }).click()
    await expectLoaded(page, '300 Deposits rise one after the other')
  })
})

test('filters are stored in the URL', async ({ page, openServer }) => {
  const user = newUserId()
  await recordEvents(openServer, [largeWithdrawal(user), { type: 'withdraw', amount: '1.00', user_id: user, time: 2 }])
  await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
  await expect(alertRow(page, user)).toHaveCount(1)
  await page.getByRole('combobox', { name: 'State' }).selectOption('Acknowledged')
  await expect(page).toHaveURL(/user_id=\d+&state=acknowledged$/)
  await expect(page.getByText('No alert matches')).toBeVisible()
  await checkScreen(page, 'alerts-none')
  await page.getByRole('combobox', { name: 'State' }).selectOption('Any')
  await expect(alertRow(page, user)).toHaveCount(1)
  await page.getByRole('combobox', { name: 'Code' }).selectOption('30 Withdrawals in a row')
  await expect(page.getByText('No alert matches')).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(page).toHaveURL(/\/alerts$/)
  await expect(alertRow(page, user)).toHaveCount(1)
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|403|404|412)/ })

  test('two users who close one alert do not overwrite each other', async ({ browser, page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    const ada = await (await browser.newContext()).newPage()
    await signIn(ada, securedServer, 'ada', `/app/alerts/${id}`)
    await ada.getByRole('button', { name: 'Close…' }).click()
    await ada.getByLabel('Confirmed').check()
    await ada.getByLabel('Note').fill('Fraud.')
    await page.goto(`${securedServer.url}/app/alerts?user_id=${user}`)
    await alertRow(page, user).getByRole('button', { name: 'Assign…' }).click()
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await expect(alertRow(page, user)).toContainText('olga')
    await alertRow(page, user).getByRole('button', { name: 'Close…' }).click()
    await page.getByLabel('False positive').check()
    await page.getByRole('button', { name: 'Close it' }).click()
    await expect(alertRow(page, user)).toHaveCount(0)
    await ada.getByRole('button', { name: 'Close it' }).click() // of what she saw when she began
    const dialog = ada.getByRole('dialog', { name: 'Another user edited this while you did' })
    await expect(dialog).toContainText('Theirs: false_positive')
    await expect(dialog).toContainText('They also changed Assignee: – → olga')
    await checkScreen(ada, 'alert-conflict')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(ada.getByRole('region', { name: 'Details' })).toContainText('Confirmed')
    const { body } = await callApi(page, 'GET', `/api/v1/alerts/${id}`)
    expect(body).toMatchObject({ state: 'closed', assignee: 'olga', disposition: 'confirmed', note: 'Fraud.', version: 4 })
    await ada.context().close()
  })

  test('a bulk update skips alerts that another user changed', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const alerts = [await raiseAlert(page), await raiseAlert(page), await raiseAlert(page)] as const
    await page.goto(`${securedServer.url}/app/alerts`)
    await expectLoaded(page, 'Alerts')
    for (const { user } of alerts) await alertRow(page, user).getByRole('checkbox').check()
    await expect(page.getByRole('region', { name: 'Selected' })).toContainText('3 selected')
    await checkScreen(page, 'alerts-selected')
    await page.route(`**/api/v1/alerts/${alerts[1].id}`, async (route) => {
      if (route.request().method() !== 'PATCH') return route.continue()
      await route.continue({ headers: { ...route.request().headers(), 'if-match': '"77"' } }) // as if it were another version by now
    })
    await page.keyboard.press('a')
    await expect(page.getByText('Acknowledged: 2')).toBeVisible()
    await expect(page.getByText('1 alert is as before. Somebody else has changed them meanwhile.')).toBeVisible()
    await expect(page.getByRole('region', { name: 'Selected' })).toContainText('1 selected')
    for (const [i, state] of ['acknowledged', 'open', 'acknowledged'].entries())
      expect((await callApi(page, 'GET', `/api/v1/alerts/${alerts[i]?.id}`)).body.state).toBe(state)
  })

  test('a rejected change is rolled back and the form keeps its values', async ({ page, openServer }) => {
    const user = newUserId()
    await recordEvents(openServer, [largeWithdrawal(user)])
    await page.goto(`${openServer.url}/app/alerts?user_id=${user}`)
    await alertRow(page, user).getByRole('button', { name: 'Assign…' }).click()
    await page.getByLabel('Assignee').last().fill('x'.repeat(101))
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await expect(page.getByRole('dialog').getByLabel('Assignee')).toHaveAccessibleDescription(/must be at most 100 characters/)
    await expect(page.getByRole('dialog').getByLabel('Assignee')).toHaveValue('x'.repeat(101))
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await expect(alertRow(page, user)).not.toContainText('xxx')
  })

  test('a viewer sees alerts without actions', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const { user, id } = await raiseAlert(page)
    await switchUser(page, securedServer, 'vera', '/app/alerts')
    await expect(alertRow(page, user)).toBeVisible()
    await expect(page.getByRole('main').getByRole('checkbox')).toHaveCount(0)
    for (const name of ['Acknowledge', 'Close…', 'Assign…']) await expect(page.getByRole('button', { name })).toHaveCount(0)
    await page.keyboard.press('j')
    await page.keyboard.press('a')
    await page.keyboard.press('c')
    await expect(page.getByRole('dialog')).toHaveCount(0)
    const { status } = await callApi(page, 'PATCH', `/api/v1/alerts/${id}`, { state: 'acknowledged' })
    expect(status).toBe(403)
    await page.goto(`${securedServer.url}/app/alerts/${id}`)
    await expectLoaded(page, `Alert of user ${user}: 1100`)
    for (const name of ['Acknowledge', 'Close…', 'Assign…']) await expect(page.getByRole('button', { name })).toHaveCount(0)
  })

  test('a missing alert shows an error', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/alerts/00000000-0000-7000-8000-000000000000`)
    await expect(page.getByText('Not found')).toBeVisible()
  })
})
