import { countClicks, expectClicks } from './clicks'
import { openTab, tabPanel } from './detailPage'
import {
  callApi,
  checkScreen,
  expect,
  expectLoaded,
  menuLink,
  type Page,
  signIn,
  switchUser,
  test,
  uniqueName,
} from './fixtures'

// Custody: containers are checked out and in, handed over and overdue.

interface Tube {
  uuid: string
  name: string
  barcode: string
}

async function newTube(page: Page): Promise<Tube> {
  const name = uniqueName('Tube')
  const barcode = name.replaceAll(/\W/g, '')
  const { status, body } = await callApi(page, 'POST', '/api/v1/containers', { description: name, barcode, freezer_id: 1 })
  expect(status).toBe(201)
  return { uuid: body.uuid, name, barcode }
}

async function checkOut(page: Page, { uuid }: Tube, terms: object = {}) {
  const { status } = await callApi(page, 'POST', '/api/v1/checkouts', { container_uuid: uuid, ...terms })
  expect(status).toBe(201)
}

/** row is the row of a tube in a list. */
const row = (page: Page, { name }: Tube) => page.getByRole('row').filter({ hasText: name })

/** chooseTube opens the dialog of the screen Checked out and finds a tube by its name. */
async function chooseTube(page: Page, tube: Tube) {
  await page.getByRole('main').getByRole('button', { name: 'Check out' }).click()
  const dialog = page.getByRole('dialog', { name: 'Check out a container' })
  await expect(dialog.getByRole('combobox', { name: 'Container' })).toBeFocused()
  await page.keyboard.insertText(tube.name)
  await expect(dialog.getByRole('option')).toHaveText([new RegExp(tube.name)])
  await page.keyboard.press('Enter')
  return dialog
}

test('4: take a sample out, see who has it, and put it back', async ({ page, securedServer }) => {
  test.slow()
  await signIn(page, securedServer, 'olga')
  const tube = await newTube(page)
  await page.goto(`${securedServer.url}/app/checkouts`)
  await expectLoaded(page, 'Checked out')
  const clicks = await countClicks(page)
  const dialog = await chooseTube(page, tube)
  await expect(dialog.getByRole('combobox', { name: 'Holder' })).toHaveValue('Olga Berg')
  await dialog.getByRole('button', { name: '1 week' }).click()
  await checkScreen(page, 'check-out')
  await dialog.getByRole('button', { name: 'Check out' }).click()
  await expect(page.getByText(`${tube.name} checked out to Olga Berg`)).toBeVisible()
  await expect(row(page, tube)).toContainText(tube.barcode)
  await expect(row(page, tube)).toContainText('Olga Berg')
  await expect(row(page, tube)).toContainText('in 7 days')
  await expect(menuLink(page, 'Checked out')).toHaveText(/\d/)
  await checkScreen(page, 'checkouts')
  await row(page, tube).getByRole('button', { name: 'Check in' }).click()
  await expect(page.getByText(`${tube.name} checked in`)).toBeVisible()
  await expect(row(page, tube)).toHaveCount(0)
  expectClicks('4 (out and back)', clicks(), 4)
  await page.getByRole('status').filter({ hasText: 'checked in' }).getByRole('button', { name: 'Undo' }).click()
  await expect(row(page, tube)).toContainText('in 7 days') // as it was
  const { body } = await callApi(page, 'GET', `/api/v1/events?container_uuid=${tube.uuid}&fields=type`)
  expect(body.map(({ type }: { type: string }) => type)).toEqual(['withdraw', 'deposit', 'withdraw'])
})

test('an overdue check-out is seen in the menu, on the overview and in the list', async ({ page, securedServer }) => {
  test.slow()
  await signIn(page, securedServer, 'olga')
  const [late, other] = [await newTube(page), await newTube(page)]
  await checkOut(page, late, { holder: 'vera', due_on: '2020-01-31', purpose: 'PCR' })
  await checkOut(page, other, { due_on: '2099-01-31' })
  await page.reload()
  await expectLoaded(page, 'Overview')
  await expect(menuLink(page, 'Checked out')).toContainText(/\d+ overdue/)
  const tile = page.getByRole('main').getByRole('link', { name: /^Checked out/ })
  await expect(tile).toContainText(/\d+ overdue/)
  await tile.click()
  await expectLoaded(page, 'Checked out')
  await page.getByRole('button', { name: 'Overdue', exact: true }).click()
  await expect(row(page, late)).toContainText(/31 Jan 2020, [\d,]+ days overdue/)
  await expect(row(page, other)).toHaveCount(0)
  await page.getByRole('button', { name: 'Mine' }).click()
  await expect(row(page, other)).toBeVisible()
  await expect(row(page, late)).toHaveCount(0)
  await page.getByRole('button', { name: 'All', exact: true }).click()
  await expect(page).toHaveURL(/open=all/)

  await row(page, late).getByRole('button', { name: /^Change due date/ }).click()
  const terms = page.getByRole('dialog', { name: `Change the due date of ${late.name}` })
  await terms.getByRole('button', { name: 'Today' }).click()
  await terms.getByRole('button', { name: 'Save' }).click()
  await expect(row(page, late)).toContainText('today')
  await row(page, late).getByRole('button', { name: /^Hand over/ }).click()
  const dialog = page.getByRole('dialog', { name: `Hand over ${late.name}` })
  await dialog.getByRole('combobox', { name: 'Holder' }).focus()
  await page.keyboard.insertText('Ada')
  await page.getByRole('option', { name: /Ada Lovelace/ }).click()
  await checkScreen(page, 'hand-over')
  await dialog.getByRole('button', { name: 'Hand over' }).click()
  await expect(page.getByText(`${late.name} handed over to Ada Lovelace`)).toBeVisible()
  await row(page, late).filter({ hasText: 'Ada' }).getByRole('link', { name: 'Ada Lovelace' }).click()
  await expectLoaded(page, 'Ada Lovelace')
  await openTab(page, 'Checked out')
  await expect(tabPanel(page, 'Checked out')).toContainText(late.name)
  await checkScreen(page, 'person-checkouts')
})

test.describe('conflicts', () => {
  test.use({ expectedErrors: /status of 409/ })
  test('a check-out of what another user has names the holder', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga', '/app/checkouts')
    const tube = await newTube(page)
    const dialog = await chooseTube(page, tube)
    await checkOut(page, tube, { holder: 'vera' })
    await dialog.getByRole('button', { name: 'Check out' }).click()
    await expect(dialog.getByRole('alert')).toContainText(`${tube.name} is checked out by Vera Rubin since`)
    await checkScreen(page, 'check-out-conflict')
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toHaveCount(0)
  })
})

test('a viewer sees check-outs but changes none', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const tube = await newTube(page)
  await checkOut(page, tube)
  await switchUser(page, securedServer, 'vera', '/app/checkouts')
  await expect(row(page, tube)).toContainText('Olga Berg')
  await expect(page.getByRole('main').getByRole('button', { name: /^Check / })).toHaveCount(0)
  await expect(page.getByRole('button', { name: /^Hand over/ })).toHaveCount(0)
})
