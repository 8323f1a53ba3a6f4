import { chooseMoreAction, openMoreMenu } from './detailPage'
import { addFilter, changeFilter } from './filterForm'
import { callApi, checkScreen, expect, expectLoaded, signIn, test } from './fixtures'
import { largeWithdrawal, newUserId, recordEvents } from './ledger'

// Voids: an admin voids an event that was recorded by mistake.

test('an admin voids an event, and the event and its alert are marked', async ({ page, openServer }) => {
  const user = newUserId()
  const [, second] = await recordEvents(openServer, [
    largeWithdrawal(user, '150.00', 1_700_000_000),
    largeWithdrawal(user, '150.00', 1_700_000_100), // the same amount: the second one is chosen
    { type: 'deposit', amount: '10.00', user_id: user, time: 1_700_000_200 },
  ])
  await page.goto(`${openServer.url}/app/events/${second?.event_id}`)
  await expectLoaded(page, `Withdrawal 150.00 by User ${user}`)
  await chooseMoreAction(page, 'Void event')
  const dialog = page.getByRole('dialog', { name: 'Void Withdrawal 150.00?' })
  await expect(dialog).toContainText('1 alert will be marked as void.')
  const reason = dialog.getByRole('textbox', { name: 'Reason' })
  await expect(reason).toBeFocused()
  await dialog.getByRole('button', { name: 'Void event' }).click()
  await expect(reason).toHaveAccessibleDescription('Required')
  await checkScreen(page, 'void')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toHaveCount(0)
  const read = async () => (await callApi(page, 'GET', `/api/v1/events/${second?.event_id}`)).body
  expect((await read()).void_id).toBeNull()

  await chooseMoreAction(page, 'Void event')
  await reason.fill('Wrong clock')
  await dialog.getByRole('button', { name: 'Void event' }).click()
  const details = page.getByRole('region', { name: 'Details' })
  await expect(details).toContainText('Wrong clock')
  await expect(details).toContainText('Voided by')
  await expect(page.getByRole('main').getByText('Void', { exact: true })).toBeVisible()
  await openMoreMenu(page)
  await expect(page.getByRole('menuitem', { name: 'Void event' })).toHaveCount(0)
  await page.keyboard.press('Escape')
  expect(await read()).toMatchObject({ void_reason: 'Wrong clock' })
  await checkScreen(page, 'event-voided')

  await page.getByRole('link', { name: 'Open alert' }).click()
  await expectLoaded(page, `User ${user}: withdrawal of 150.00, limit 100.00`)
  await expect(page.getByRole('main').getByText('Void', { exact: true }).first()).toBeVisible()

  // The lists mark voided events and their alerts, and filter by them.
  await page.goto(`${openServer.url}/app/events?user_id=${user}`)
  await expectLoaded(page, 'Events')
  const events = page.getByRole('table', { name: 'Events' }).getByRole('row')
  const deposit = /^Deposit 10\.00(?!.*Void)/
  const [voided, first] = [/^Withdrawal 150\.00 ?Void/, /^Withdrawal 150\.00(?! ?Void)/]
  await expect(events).toHaveText([/Event/, deposit, voided, first])
  await expect(page.getByRole('figure')).toContainText('Balance')
  await page.getByText('Show as table').click()
  await expect(page.getByRole('figure').getByRole('row')).toHaveCount(3) // the header and the events that count
  await addFilter(page, 'Void', 'is empty', { option: 'Void' })
  await expect(events).toHaveText([/Event/, voided])
  await changeFilter(page, 'Void', 'Void', { option: 'Not void' })
  await expect(events).toHaveText([/Event/, deposit, first])

  await page.goto(`${openServer.url}/app/alerts?view=list&user_id=${user}&state=all`)
  await expectLoaded(page, 'Alerts')
  const alerts = page.getByRole('table', { name: 'Alerts' }).getByRole('row')
  await expect(alerts).toHaveCount(3)
  await expect(alerts.filter({ hasText: 'Void' })).toHaveCount(1)
  await addFilter(page, 'Void', 'is empty', { option: 'Void' })
  await expect(page).toHaveURL(/void_id__empty=false/)
  await expect(alerts).toHaveCount(2)
  await expect(alerts.nth(1)).toContainText('Void')
})

test('only admins can void events', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga', '/app/events')
  await expectLoaded(page, 'Events')
  const { body } = await callApi(page, 'GET', '/api/v1/events?limit=2')
  await page.goto(`${securedServer.url}/app/events/${body[1].id}`)
  await expect(page.getByRole('region', { name: 'Rule evaluation' })).toBeVisible()
  await openMoreMenu(page)
  await expect(page.getByRole('menuitem')).toHaveText(['All events of this person'])
})
