import { randomUUID } from 'node:crypto'

import { openTab, tabPanel } from './detailPage'
import { callApi, checkScreen, expect, expectLoaded, type Page, signIn, switchUser, test, uniqueName } from './fixtures'
import { planRows, showPlan, targetOptions } from './moveDialog'
import { scan } from './scanner'
import type { Server } from './server'

// Containers: scanning, moving and creation.

async function newContainer(page: Page, server: Server, description: string | null, freezer = 1): Promise<string> {
  await page.goto(`${server.url}/app/`)
  const { status, body } = await callApi(page, 'POST', '/api/v1/containers', { description, freezer_id: freezer })
  expect(status).toBe(201)
  return body.uuid
}

test('a container is found by scanner, moved, and its history shows the move', async ({ page, securedServer }) => {
  test.slow() // axe checks a hundred rows
  await signIn(page, securedServer, 'olga')
  const description = uniqueName('Plasma')
  const uuid = await newContainer(page, securedServer, description)
  await page.goto(`${securedServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  await checkScreen(page, 'containers')
  await scan(page, uuid.toUpperCase().replaceAll('-', '')) // no field has the focus
  await expectLoaded(page, description)
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Site 1')
  await page.keyboard.press('m')
  const dialog = page.getByRole('dialog', { name: `Move ${description}` })
  const field = dialog.getByRole('combobox', { name: 'Move to' })
  await expect(field).toBeFocused()
  await expect(dialog).toContainText('Currently in -20C')
  await expect(dialog.getByRole('button', { name: 'Plan' })).toBeDisabled()
  await field.fill('-40')
  await expect(targetOptions(page).first()).toContainText('-40C')
  await checkScreen(page, 'container-move')
  await page.keyboard.press('Enter') // selects the option
  await expect(field).toHaveValue('-40C')
  await page.keyboard.press('Enter') // requests the plan
  await expect(planRows(page)).toHaveText([/-20C.*-40C/])
  await dialog.getByRole('button', { name: 'Move 1 container' }).click()
  await expect(page.getByText('1 container moved', { exact: true })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('-40C')
  await expect(tabPanel(page, 'History')).toContainText('Olga Berg changed Freezer: -20C → -40C')
  await checkScreen(page, 'container')
  await page.getByRole('region', { name: 'Details' }).getByRole('link', { name: '-40C' }).click()
  await openTab(page, 'Contents')
  await expect(page.getByRole('table', { name: 'Containers' }).getByRole('link', { name: description })).toBeVisible()
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|404|409|412)/ })

  test('an unknown barcode is assigned to a new container', async ({ page, openServer }) => {
    test.slow() // axe checks a hundred rows
    const uuid = randomUUID()
    await page.goto(`${openServer.url}/app/containers`)
    await expectLoaded(page, 'Containers')
    await page.getByLabel('Scan or enter a barcode').fill(`https://labels.example/${uuid}`)
    await page.keyboard.press('Enter')
    await expect(page.getByText(`No container has the barcode ${uuid}.`)).toBeVisible()
    await checkScreen(page, 'containers-unknown')
    await page.getByRole('link', { name: 'Create container' }).click()
    await expectLoaded(page, 'New container')
    await expect(page.getByLabel('Barcode')).toHaveValue(uuid)
    await page.getByLabel('Description').fill('Found in the hall')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('combobox', { name: 'Lies in' })).toHaveAccessibleDescription('Required')
    await checkScreen(page, 'container-new')
    await page.getByRole('combobox', { name: 'Lies in' }).fill('-20C')
    await page.getByRole('option', { name: /^-20C/ }).first().click()
    await page.getByRole('button', { name: 'Save' }).click()
    await expectLoaded(page, 'Found in the hall')
    await expect(page.getByRole('definition').filter({ hasText: uuid })).toBeVisible()
  })

  test('a user who moves a container that another user has moved sees the new plan first', async ({ page, openServer }) => {
    const [description, thirdFreezer] = [uniqueName('Serum'), uniqueName('-150C')]
    const uuid = await newContainer(page, openServer, description)
    const { body: otherFreezer } = await callApi(page, 'POST', '/api/v1/freezers', { name: thirdFreezer, site_id: 3 })
    await page.goto(`${openServer.url}/app/containers/${uuid}`)
    await expectLoaded(page, description)
    await page.getByRole('button', { name: 'Move' }).click()
    await page.getByRole('dialog').getByRole('combobox').fill('-40')
    await page.getByRole('option', { name: /^-40C/ }).first().click()
    await showPlan(page)
    const { status } = await callApi(page, 'PATCH', `/api/v1/containers/${uuid}`, { freezer_id: otherFreezer.id })
    expect(status).toBe(200)
    await page.getByRole('button', { name: 'Move 1 container' }).click()
    await expect(page.getByText('The plan has changed')).toBeVisible()
    await expect(planRows(page)).toHaveText([new RegExp(`${thirdFreezer}.*-40C`)])
    await checkScreen(page, 'container-plan-changed')
    await page.getByRole('button', { name: 'Move 1 container' }).click()
    await expect(page.getByText('1 container moved', { exact: true })).toBeVisible()
    const { body } = await callApi(page, 'GET', `/api/v1/containers/${uuid}`)
    expect(body).toMatchObject({ freezer_id: 2, version: 3 })
  })

  test('a missing container shows an error', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/containers/${randomUUID()}`)
    await expect(page.getByText('Not found', { exact: true })).toBeVisible()
    await page.goto(`${openServer.url}/app/containers/7`)
    await expect(page.getByText('UUID: Enter a UUID like')).toBeVisible()
  })
})

test('part of a description finds several containers', async ({ page, openServer }) => {
  test.slow() // axe checks a hundred rows
  const description = uniqueName('Urine')
  const first = await newContainer(page, openServer, `${description} a`)
  await newContainer(page, openServer, `${description} b`)
  await page.goto(`${openServer.url}/app/containers`)
  await expectLoaded(page, 'Containers')
  const field = page.getByLabel('Scan or enter a barcode')
  await field.fill(description)
  await page.getByRole('button', { name: 'Find' }).click()
  await expect(page.getByText('2 matches:')).toBeVisible()
  await checkScreen(page, 'containers-several')
  await expect(field).toBeFocused()
  await scan(page, first)
  await expectLoaded(page, `${description} a`)
  await page.goBack()
  await page.getByRole('searchbox', { name: 'Search containers' }).fill(`b ${description}`)
  await expect(page).toHaveURL(/[?&]q=b\+Urine/)
  await expect(page.getByText('1 container', { exact: true })).toBeVisible()
})

test('a viewer finds containers but cannot move them', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'olga')
  const description = uniqueName('Tissue')
  const uuid = await newContainer(page, securedServer, description)
  await switchUser(page, securedServer, 'vera', `/app/containers/${uuid}`)
  await expectLoaded(page, description)
  await openTab(page, 'Attachments')
  await expect(page.getByText('No attachments')).toBeVisible()
  for (const name of ['Move', 'Edit', 'More actions', 'Upload files'])
    await expect(page.getByRole('button', { name })).toHaveCount(0)
  await page.keyboard.press('m')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await checkScreen(page, 'container-viewer')
})
