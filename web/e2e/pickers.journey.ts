import { boxUuid } from './bigLab'
import { callApi, checkScreen, expect, expectLoaded, holdRequests, type Page, test, uniqueName } from './fixtures'

// Pickers offer all rows, and take the row that a text names without a choice from the list.

const reader = { id: 225, mac: '02:00:00:00:01:28', name: 'Reader 5' } // the third with this name

async function openNewTodo(page: Page, url: string): Promise<string> {
  const title = uniqueName('Calibrate')
  await page.goto(`${url}/app/todos/new`)
  await expectLoaded(page, 'New todo')
  await page.getByLabel('Title').fill(title)
  return title
}

async function findTodo(page: Page, title: string) {
  await expectLoaded(page, title)
  const { body } = await callApi(page, 'GET', `/api/v1/search?q=${encodeURIComponent(title)}&noun=todos`)
  return (await callApi(page, 'GET', `/api/v1/todos/${body[0].rows[0].id}`)).body
}

test('a MAC address in any notation selects the computer, before the search answers', async ({ page, openServer }) => {
  for (const notation of ['0200.0000.0128', '02-00-00-00-01-28', ' 020000000128 ']) {
    const title = await openNewTodo(page, openServer.url)
    const release = await holdRequests(page, /\/api\/v1\/search/)
    await page.getByRole('combobox', { name: 'Computer' }).fill(notation)
    await page.keyboard.press('Escape') // the options hide the button
    await page.getByRole('button', { name: 'Save' }).click() // the form waits
    release()
    expect(await findTodo(page, title)).toMatchObject({ computer_id: reader.id })
    await page.unrouteAll()
  }
})

test('a name in another case or form selects its row when the field loses the focus', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Kühlraum')
  await callApi(page, 'POST', '/api/v1/freezers', { name: `${name} Nord`, site_id: 14 })
  const { body: freezer } = await callApi(page, 'POST', '/api/v1/freezers', { name, site_id: 14 })
  const title = await openNewTodo(page, openServer.url)
  const field = page.getByRole('combobox', { name: 'Freezer' })
  await field.fill(name.normalize('NFD').toUpperCase())
  await page.getByLabel('Title').focus()
  await expect(field).toHaveValue(name)
  await page.getByRole('button', { name: 'Save' }).click()
  expect(await findTodo(page, title)).toMatchObject({ freezer_id: freezer.id })
})

test('a picker offers the first rows, and over the buttons of a dialog', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/containers/${boxUuid(5)}`)
  await page.getByRole('button', { name: 'Move' }).click()
  const dialog = page.getByRole('dialog')
  const cancel = dialog.getByRole('button', { name: 'Cancel' })
  const field = dialog.getByRole('combobox', { name: 'Move to' })
  await expect(field).toBeFocused()
  const options = page.getByRole('listbox', { name: 'Move to' }).getByRole('option')
  await expect(options.nth(19)).toBeAttached() // the rest is below
  await checkScreen(page, 'picker')
  const box = await cancel.boundingBox()
  await field.press('Escape') // closes only the options
  await expect(options).toHaveCount(0)
  expect(await cancel.boundingBox()).toEqual(box)
  await expect(dialog).toBeVisible()
  await field.click()
  await field.pressSequentially('biobank south b2')
  await expect(options.filter({ hasText: 'Biobank South' }).first()).toHaveText(/^Minus80-B2/)
  await field.press('Enter')
  await expect(field).toHaveValue('Minus80-B2')
  await expect(dialog.getByRole('button', { name: 'Plan' })).toBeEnabled()
})

test('a person is chosen by a part of the name, and removed again', async ({ page, openServer }) => {
  const title = await openNewTodo(page, openServer.url)
  const field = page.getByRole('combobox', { name: 'Assignee' })
  await field.click()
  await field.pressSequentially('cian 3')
  await expect(page.getByRole('option').first()).toContainText('technician3')
  await page.getByRole('option').first().click()
  await expect(field).not.toHaveValue('')
  await field.click()
  await expect(page.getByRole('option').first()).toHaveText('Unassigned')
  await page.getByRole('option').first().click()
  await expect(field).toHaveValue('')
  await page.getByRole('button', { name: 'Save' }).click()
  expect(await findTodo(page, title)).toMatchObject({ assignee: null })
})

test('Enter selects the row that the text names, and keeps other text', async ({ page, openServer }) => {
  const title = await openNewTodo(page, openServer.url)
  const field = page.getByRole('combobox', { name: 'Computer' })
  let release = await holdRequests(page, /\/api\/v1\/search/)
  await field.fill('Reader')
  await field.press('Enter')
  release()
  await expect(page.getByRole('listbox')).toBeVisible()
  await expect(field).toHaveValue('Reader')
  await page.unrouteAll()
  release = await holdRequests(page, /\/api\/v1\/search/)
  await field.fill(reader.mac.toUpperCase())
  await field.press('Enter')
  release()
  await expect(field).toHaveValue(reader.name)
  await page.getByRole('button', { name: 'Save' }).click()
  expect(await findTodo(page, title)).toMatchObject({ computer_id: reader.id })
})

test('a name of several rows selects none, and the form is not saved', async ({ page, openServer }) => {
  await openNewTodo(page, openServer.url)
  const release = await holdRequests(page, /\/api\/v1\/search/)
  const field = page.getByRole('combobox', { name: 'Freezer' })
  await field.fill('Minus80-B2')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Save' }).click()
  release()
  await expect(page.getByText('“Minus80-B2” was not selected.')).toBeVisible()
  await expect(field).toHaveValue('')
  await expectLoaded(page, 'New todo')
})

test('a UUID in any notation finds its container', async ({ page, openServer }) => {
  const uuid = boxUuid(5)
  await page.goto(`${openServer.url}/app/`)
  for (const notation of [`{${uuid.toUpperCase()}}`, `urn:uuid:${uuid}`, uuid.replaceAll('-', '')]) {
    const { body } = await callApi(page, 'GET', `/api/v1/search?q=${encodeURIComponent(notation)}&noun=containers`)
    expect(body).toMatchObject([{ total: 1, rows: [{ uuid }] }])
  }
})
