import { randomUUID } from 'node:crypto'

import { call, expect, loaded, look, type Page, signIn, test, turnTo, unique } from './fixtures'
import type { Server } from './server'

// What one does with containers: scanning, moving, creating.

async function newContainer(page: Page, server: Server, description: string | null, freezer = 1): Promise<string> {
  await page.goto(`${server.url}/app/`)
  const { status, body } = await call(page, 'POST', '/api/v1/containers', { description, freezer_id: freezer })
  expect(status).toBe(201)
  return body.uuid
}

/** scan types as a scanner does: fast, and Enter at the end. */
async function scan(page: Page, text: string) {
  await page.keyboard.type(text)
  await page.keyboard.press('Enter')
}

test('a container is found by a scanner, moved, and tells where it was', async ({ page, closed }) => {
  await signIn(page, closed, 'olga')
  const what = unique('Plasma')
  const uuid = await newContainer(page, closed, what)
  await page.goto(`${closed.url}/app/containers`)
  await loaded(page, 'Containers')
  await look(page, 'containers')
  await scan(page, uuid.toUpperCase().replaceAll('-', '')) // with the focus in no field
  await loaded(page, what)
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('-20C, Site 1')
  await page.keyboard.press('m')
  const dialog = page.getByRole('dialog', { name: `Move ${what}` })
  const field = dialog.getByRole('combobox', { name: 'To which freezer' })
  await expect(field).toBeFocused()
  await expect(dialog).toContainText('It stands in -20C.')
  await expect(dialog.getByRole('button', { name: 'Move' })).toBeDisabled()
  await field.fill('-40')
  await expect(dialog.getByRole('option').first()).toContainText('-40C')
  await look(page, 'container-move')
  await page.keyboard.press('Enter') // chooses
  await expect(field).toHaveValue('-40C')
  await page.keyboard.press('Enter') // moves
  await expect(page.getByText('Moved', { exact: true })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('-40C')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('olga changed it')
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Freezer: -20C → -40C')
  await look(page, 'container')
  await page.getByRole('region', { name: 'Details' }).getByRole('link', { name: '-40C' }).click()
  await expect(page.getByRole('table', { name: 'Containers' }).getByRole('link', { name: what })).toBeVisible()
})

test.describe('refused', () => {
  test.use({ expected: /status of (400|404|409|412)/ })

  test('a label that nobody knows is given to a new container', async ({ page, open }) => {
    const uuid = randomUUID()
    await page.goto(`${open.url}/app/containers`)
    await loaded(page, 'Containers')
    await page.getByLabel('Scan or type a label').fill(`https://labels.example/${uuid}`)
    await page.keyboard.press('Enter')
    await expect(page.getByText(`No container has the label ${uuid}.`)).toBeVisible()
    await look(page, 'containers-unknown')
    await page.getByRole('link', { name: 'Create it' }).click()
    await loaded(page, 'New container')
    await expect(page.getByLabel('Label')).toHaveValue(uuid)
    await page.getByLabel('Description').fill('Found in the hall')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('combobox', { name: 'Freezer' })).toHaveAccessibleDescription('must not be null')
    await look(page, 'container-new')
    await page.getByRole('combobox', { name: 'Freezer' }).fill('-20C')
    await page.getByRole('option').first().click()
    await page.getByRole('button', { name: 'Save' }).click()
    await loaded(page, 'Found in the hall')
    await expect(page.getByText(uuid)).toBeVisible()
  })

  test('two people move one container', async ({ page, open }) => {
    const [what, third] = [unique('Serum'), unique('-150C')]
    const uuid = await newContainer(page, open, what)
    const { body: elsewhere } = await call(page, 'POST', '/api/v1/freezers', { name: third, site_id: 3 })
    await page.goto(`${open.url}/app/containers/${uuid}`)
    await loaded(page, what)
    await page.getByRole('button', { name: 'Move' }).click()
    expect((await call(page, 'PATCH', `/api/v1/containers/${uuid}`, { freezer_id: elsewhere.id })).status).toBe(200)
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('combobox').fill('-40')
    await dialog.getByRole('option').first().click()
    await dialog.getByRole('button', { name: 'Move' }).click()
    await expect(page.getByText('Somebody else has changed this, too')).toBeVisible()
    await expect(page.getByRole('dialog')).toContainText('Yours: -40C')
    await expect(page.getByRole('dialog')).toContainText(`Theirs: ${third}`)
    await look(page, 'container-conflict')
    await page.getByRole('button', { name: 'Save these' }).click()
    await expect(page.getByText('Moved', { exact: true })).toBeVisible()
    const { body } = await call(page, 'GET', `/api/v1/containers/${uuid}`)
    expect(body).toMatchObject({ freezer_id: 2, version: 3 })
  })

  test('a container that is not there', async ({ page, open }) => {
    await page.goto(`${open.url}/app/containers/${randomUUID()}`)
    await expect(page.getByText('There is no such thing')).toBeVisible()
    await page.goto(`${open.url}/app/containers/7`)
    await expect(page.getByText('must be a UUID like')).toBeVisible()
  })
})

test('a part of a label, or of what is in it, finds several', async ({ page, open }) => {
  const what = unique('Urine')
  const first = await newContainer(page, open, `${what} a`)
  await newContainer(page, open, `${what} b`)
  await page.goto(`${open.url}/app/containers`)
  await loaded(page, 'Containers')
  const field = page.getByLabel('Scan or type a label')
  await field.fill(what)
  await page.getByRole('button', { name: 'Find' }).click()
  await expect(page.getByText('2 containers:')).toBeVisible()
  await look(page, 'containers-several')
  await expect(field).toBeFocused()
  await scan(page, first) // what stood there is selected, so that the scan takes its place
  await loaded(page, `${what} a`)
  await page.goBack()
  await page.getByLabel('Description').fill(`${what} b`)
  await expect(page).toHaveURL(/\?description=Urine/)
  await expect(page.getByText('One row')).toBeVisible()
})

test('keys that lead elsewhere are not taken for a scanner, which can be turned off', async ({ page, open }) => {
  await page.goto(`${open.url}/app/containers`)
  await loaded(page, 'Containers')
  await page.keyboard.press('g')
  await page.keyboard.press('i')
  await loaded(page, 'Instruments')
  await page.keyboard.press('g')
  await page.keyboard.press('c')
  await loaded(page, 'Containers')
  const field = page.getByLabel('Scan or type a label')
  await page.keyboard.press('g')
  await page.keyboard.press('c') // where one is already
  await expect(field).toHaveValue('')
  await page.keyboard.press('c')
  await expect(field).toHaveValue('c')
  await field.blur()
  await page.keyboard.press('?')
  await page.getByRole('switch').press('Space')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('d')
  await expect(field).toHaveValue('c')
})

test('a viewer finds containers, and moves none', async ({ page, closed }) => {
  await signIn(page, closed, 'olga')
  const what = unique('Tissue')
  const uuid = await newContainer(page, closed, what)
  await turnTo(page, closed, 'vera', `/app/containers/${uuid}`)
  await loaded(page, what)
  for (const name of ['Move', 'Edit', 'Delete', 'Add files']) await expect(page.getByRole('button', { name })).toHaveCount(0)
  await page.keyboard.press('m')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await look(page, 'container-viewer')
})
