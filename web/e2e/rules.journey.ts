import { callApi, checkScreen, expect, expectLoaded, signIn, switchUser, test } from './fixtures'
import { newUserId, recordEvents } from './ledger'

// Rule changes are previewed on past events before they are saved.

test('leaving the screen aborts a running preview', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/rules/1100`)
  await expectLoaded(page, '1100 Large withdrawal')
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.route('**/api/v1/rules/replay', () => {}) // never responds
  await page.getByRole('button', { name: 'Run preview' }).click()
  await expect(page.getByText('Replaying events…')).toBeVisible()
  const failedRequest = page.waitForEvent('requestfailed', {
    predicate: (request) => request.url().endsWith('/replay'),
    timeout: 5_000,
  })
  await page.getByRole('link', { name: 'Sites' }).click()
  expect((await failedRequest).failure()?.errorText).toContain('ABORTED')
})

test('a new limit is previewed, saved, and applies from the next event', async ({ page, openServer }) => {
  const user = newUserId()
  const day = 86_400
  const [first, second] = [20_000 * day + 10, 20_001 * day + 10]
  await recordEvents(openServer, [
    { type: 'deposit', amount: '500.00', user_id: user, time: first - 10 * day }, // before the range
    { type: 'withdraw', amount: '90.00', user_id: user, time: first },
    { type: 'withdraw', amount: '150.00', user_id: user, time: first + 1000 },
    { type: 'withdraw', amount: '5000.00', user_id: user, time: second },
  ])
  await page.goto(`${openServer.url}/app/rules`)
  await expectLoaded(page, 'Rules')
  await expect(page.getByRole('row')).toHaveCount(6)
  await checkScreen(page, 'rules')
  await page.getByRole('link', { name: '1100 Large withdrawal' }).click()
  await expectLoaded(page, '1100 Large withdrawal')
  await checkScreen(page, 'rule')
  await page.keyboard.press('u')
  await page.getByLabel('Limit (medium risk)').fill('200')
  await page.getByLabel('Events from').fill('2024-10-04T00:00')
  await page.getByLabel('Events before').fill('2024-10-06T00:00')
  await expect(page).toHaveURL(new RegExp(`from=${20_000 * day}&to=${20_002 * day}$`))
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/api/v1/rules/replay', async (route) => {
    await released
    await route.continue()
  })
  await page.getByRole('button', { name: 'Run preview' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'Replaying events…' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Stop preview' })).toBeVisible()
  release()
  const section = page.getByRole('region', { name: 'Preview on past events' })
  // The alerts of rule 30 and of the withdrawal of 5000.00 stay.
  await expect(section).toContainText('3 events of 1 user: 0 alerts added, 1 removed, 2 unchanged.')
  await expect(section).toContainText('Limit (medium risk): 100.00 → 200')
  await expect(
    section.getByRole('table', { name: 'Alerts by rule' }).getByRole('row').filter({ hasText: '1100' }),
  ).toContainText('011')
  await section.getByText('Show as table').click()
  await expect(section.getByRole('figure').getByRole('row')).toHaveText([
    'TimeAddedUnchangedRemoved',
    '2024-10-05020',
    '2024-10-04001',
  ])
  await expect(section.getByRole('table', { name: 'Differences' }).getByRole('link')).toHaveText([`User ${user}: 1100`])
  await checkScreen(page, 'replay')
  expect((await callApi(page, 'GET', '/api/v1/rules/1100')).body.limit).toBe('100.00') // the preview saves nothing

  await page.getByLabel('Limit (medium risk)').fill('120')
  await page.getByRole('button', { name: 'Run preview' }).click()
  await expect(section).toContainText('0 alerts added, 0 removed, 3 unchanged.')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved. Applies from the next event.')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('120.00')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Limit (medium risk): 100 → 120')
  await expect(page.getByRole('button', { name: 'Edit' })).toBeFocused()
  const [recorded] = await recordEvents(openServer, [
    { type: 'withdraw', amount: '110.00', user_id: newUserId(), time: second },
  ])
  expect(recorded?.alert_codes).toEqual([])
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.getByLabel('Limit (medium risk)').fill('100')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('region', { name: 'Settings' })).toContainText('100.00')
})

test.describe('conflicts and errors', () => {
  test.use({ expectedErrors: /status of (400|403|404|412)/ })

  test('server errors appear at the field, and two admins get a conflict instead of overwriting each other', async ({
    page,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'ada', '/app/rules/500')
    await expectLoaded(page, '500 Too many events in time window')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Limit (medium risk)').fill('5.5')
    await page.getByRole('button', { name: 'Run preview' }).click()
    await expect(page.getByRole('alert').filter({ hasText: 'must be an integer from 1 to 1000000' })).toBeVisible()
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Limit (medium risk)')).toHaveAccessibleDescription(
      /must be an integer from 1 to 1 million/,
    )
    await expect(page.getByLabel('Limit (medium risk)')).toBeFocused()
    await checkScreen(page, 'rule-rejected')
    // The other admin.
    const { status } = await callApi(page, 'PATCH', '/api/v1/rules/500', { limit: '7', window_seconds: 90 })
    expect(status).toBe(200)
    await page.getByLabel('Limit (medium risk)').fill('6')
    await page.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog', { name: 'Another user edited this while you did' })
    await expect(dialog).toContainText('Theirs: 7.00')
    await expect(dialog).toContainText('They also changed Time window (seconds): 60 → 90')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('region', { name: 'Settings' })).toContainText(/Limit \(medium risk\)6(?!\d|\.)/)
    await expect
      .poll(async () => (await callApi(page, 'GET', '/api/v1/rules/500')).body)
      .toMatchObject({ limit: '6.00', window_seconds: 90 })
    expect((await callApi(page, 'PATCH', '/api/v1/rules/500', { limit: '5', window_seconds: 60 })).status).toBe(200)
  })

  test('an operator can preview but not save; a viewer can only read', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga', '/app/rules/123')
    await expectLoaded(page, '123 Deposit total in time window')
    await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0)
    await page.getByRole('button', { name: 'Preview other settings' }).click()
    await page.getByLabel('Time window (seconds)').fill('3600')
    await page.getByRole('button', { name: 'Run preview' }).click()
    await expect(page.getByRole('region', { name: 'Preview on past events' })).toContainText(
      'Time window (seconds): 30 → 3600',
    )
    await expect(page.getByRole('button', { name: 'Save' })).toHaveCount(0)
    expect((await callApi(page, 'PATCH', '/api/v1/rules/123', { limit: '1' })).status).toBe(403)
    await switchUser(page, securedServer, 'vera', '/app/rules/123')
    await expectLoaded(page, '123 Deposit total in time window')
    for (const name of ['Edit', 'Preview other settings'])
      await expect(page.getByRole('button', { name })).toHaveCount(0)
    await page.keyboard.press('u')
    await expect(page.getByRole('button', { name: 'Run preview' })).toHaveCount(0)
    expect((await callApi(page, 'POST', '/api/v1/rules/replay', {})).status).toBe(403)
    await checkScreen(page, 'rule-viewer')
  })

  test('an unknown rule shows an error', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/rules/77`)
    await expect(page.getByText('Not found', { exact: true })).toBeVisible()
  })
})
