import { countClicks, expectClicks } from './clicks'
import { openTab } from './detailPage'
import {
  callApi,
  checkScreen,
  deleteRow,
  expect,
  expectLoaded,
  type Page,
  rowHistory,
  signIn,
  switchUser,
  test,
  uniqueName,
} from './fixtures'
import { chooseTarget, showPlan } from './moveDialog'
import { addBoxes, addContainer, addFreezer, countContainers } from './storageLab'

// Activity: what people did, by day; undo with a preview, from messages and from the history of a row.

const item = (page: Page, text: string) => page.locator('li[data-changeset]').filter({ hasText: text })
const dialog = (page: Page) => page.getByRole('dialog')
const message = (page: Page, text: string | RegExp) =>
  page.locator('.mantine-Notification-root').filter({ hasText: text })
const undoIn = (page: Page, text: string | RegExp) => message(page, text).getByRole('button', { name: 'Undo' }).click()

const siteFields = { contact: null, address: null, state_or_region: null, country: null, postcode_or_zip: null }

async function addSite(page: Page, fields: { name: string; contact?: string }): Promise<number> {
  const { status, body } = await callApi(page, 'POST', '/api/v1/sites', { ...siteFields, ...fields })
  expect(status).toBe(201)
  return body.id
}

/** showTomorrow lets the browser show the changes of today as those of yesterday. */
const showTomorrow = (page: Page) => page.clock.setSystemTime(Date.now() + 86_400_000)

test('7: the mistaken import of yesterday is found by person, looked at, undone and redone', async ({
  page,
  securedServer,
}) => {
  test.slow() // axe
  await signIn(page, securedServer, 'olga')
  const name = uniqueName('Import')
  const names = Array.from({ length: 60 }, (_, i) => ({ ...siteFields, name: `${name} ${i}` }))
  expect((await callApi(page, 'POST', '/api/v1/sites', names)).status).toBe(200)
  const newSites = async () =>
    (await callApi(page, 'GET', `/api/v1/sites?name__startswith=${encodeURIComponent(name)}&limit=100`)).body.length
  await showTomorrow(page)
  const clicks = await countClicks(page)
  await page.goto(`${securedServer.url}/app/activity`)
  await expectLoaded(page, 'Activity')
  await page.getByRole('button', { name: 'Yesterday' }).click()
  await expect(page).toHaveURL(/period=yesterday/)
  await expect(page.getByRole('main').getByRole('heading', { level: 2 })).toHaveText([/^Yesterday, /])
  await page.getByRole('combobox', { name: 'Person' }).click()
  await page.keyboard.insertText('Olga')
  await page.getByRole('option', { name: 'Olga Berg' }).click()
  await expect(page).toHaveURL(/actor=olga/)
  const entry = item(page, 'imported 60 sites').first()
  await expect(entry).toContainText(/Olga Berg imported 60 sites.*\d{4}, \d\d:\d\d:\d\d \(yesterday\)/s)
  await entry.getByRole('button', { name: '60 changes' }).click()
  await expect(entry.getByRole('list', { name: 'Changes' }).locator('> li')).toHaveCount(50)
  await entry.locator('summary').first().click()
  await expect(entry).toContainText(`Name: – → ${name} 0`)
  await checkScreen(page, 'activity-sets')
  await entry.getByRole('button', { name: /^Undo: / }).click()
  await expect(dialog(page)).toContainText('Undo makes 60 changes')
  const preview = dialog(page).getByRole('region', { name: 'What the undo changes' })
  await expect(preview).toContainText(`Deletes site ${name} 59`)
  await expect(preview).toContainText('and 10 more')
  await checkScreen(page, 'undo-preview')
  await dialog(page).getByLabel('Reason').fill('Wrong file – Größe')
  expect(await newSites()).toBe(60)
  await dialog(page).getByRole('button', { name: 'Undo' }).click()
  await expect(message(page, 'Undone: imported 60 sites')).toBeVisible()
  expectClicks('7 (undo the import of yesterday)', clicks(), 9)
  expect(await newSites()).toBe(0)
  await expect(entry).toContainText('undid: imported 60 sites')
  await expect(entry).toContainText('“Wrong file – Größe”')
  const imported = item(page, 'Undone by Olga Berg').first()
  await expect(imported.getByRole('button', { name: /^Undo/ })).toHaveCount(0)
  await message(page, 'Undone: imported 60 sites').getByRole('button', { name: 'Redo' }).click()
  await expect(message(page, 'Redone: imported 60 sites')).toBeVisible()
  expect(await newSites()).toBe(60)
  await expect(entry).toContainText('redid: imported 60 sites')
  // The change set has its own address, also by the ID of the request.
  await entry.getByRole('link', { name: /^Redoes change set/ }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Change set \d+$/)
  await expect(page.getByRole('region', { name: 'Summary' })).toContainText('Undone by Olga Berg')
  await expect(page.getByText('60 changes')).toBeVisible()
  await checkScreen(page, 'change-set')
  await page.goBack()
  await expectLoaded(page, 'Activity')
  await expect(page).toHaveURL(/period=yesterday&actor=olga/)
})

test('the list is filtered by type, reason and days, grows by pages, and is exported', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const reason = uniqueName('Reason').replace(' ', '')
  await page.evaluate(
    async ([reason, fields]) => {
      for (let i = 0; i < 55; i++)
        await fetch('/api/v1/sites', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'X-Change-Message': reason as string },
          body: JSON.stringify({ ...(fields as object), name: `${reason} ${i}` }),
        })
    },
    [reason, siteFields] as const,
  )
  await page.goto(`${openServer.url}/app/activity`)
  await expectLoaded(page, 'Activity')
  await page.getByLabel('Item type').selectOption('Site')
  await page.getByLabel('Reason contains').fill(reason)
  await expect(page).toHaveURL(new RegExp(`noun=site&message__contains=${reason}`))
  await expect(item(page, reason)).toHaveCount(50)
  const top = item(page, reason).first()
  await expect(top).toContainText(`“${reason}”`)
  await page.getByRole('button', { name: 'Load more' }).click()
  await expect(item(page, reason)).toHaveCount(55)
  await expect(page.getByRole('button', { name: 'Load more' })).toHaveCount(0)
  // What is new appears at the top, and the other rows stay.
  const last = item(page, `${reason} 3`).last()
  await last.getByRole('button', { name: '1 change' }).click()
  await page.evaluate(
    ([reason, fields]) =>
      fetch('/api/v1/sites', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Change-Message': reason as string },
        body: JSON.stringify({ ...(fields as object), name: `${reason} new` }),
      }).then(() => undefined),
    [reason, siteFields] as const,
  )
  await expect(item(page, `${reason} new`)).toBeVisible({ timeout: 25_000 }) // the list is read every 15 s
  await expect(item(page, reason)).toHaveCount(56)
  await expect(last.getByRole('list', { name: 'Changes' })).toBeVisible()
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export CSV' }).click()
  const { readFileSync } = await import('node:fs')
  const csv = readFileSync(await (await download).path(), 'utf8')
  expect(csv.trim().split('\n')).toHaveLength(57)
  await page.getByLabel('To', { exact: true }).fill('1 Jan 2020')
  await page.keyboard.press('Enter')
  await expect(page.getByText('No change sets match these filters')).toBeVisible()
  await checkScreen(page, 'activity-sets-empty')
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(page).toHaveURL(/\/activity$/)
})

test.describe('rejected undos', () => {
  test.use({ expectedErrors: /status of (409|404)/ })

  test('an undo lists the rows that were changed since, and a message of an undo links to them', async ({
    page,
    securedServer,
  }) => {
    await signIn(page, securedServer, 'olga')
    const freezer = await addFreezer(page, uniqueName('Conflict'))
    const lot = await addBoxes(page, freezer, 3)
    const rows = (await callApi(page, 'GET', `/api/v1/containers?freezer_id=${freezer}&sort=barcode`)).body
    await callApi(page, 'PATCH', `/api/v1/containers/${rows[1].uuid}`, { description: `${lot} changed` })
    await page.goto(`${securedServer.url}/app/activity`)
    await item(page, 'imported 3 containers').first().getByRole('button', { name: /^Undo: / }).click()
    await expect(dialog(page).getByRole('alert')).toContainText('1 row was changed since. Nothing was changed.')
    const conflict = dialog(page).getByRole('list', { name: 'Conflicts' }).getByRole('listitem')
    await expect(conflict).toContainText(/was changed by Olga Berg, .*, in change set \d+/)
    await expect(dialog(page).getByRole('button', { name: 'Undo' })).toHaveCount(0)
    await checkScreen(page, 'undo-conflict')
    await conflict.getByRole('link').first().click()
    await expectLoaded(page, `${lot} changed`)
    // Others' change sets have no undo, unless the user is an admin.
    await switchUser(page, securedServer, 'vera', '/app/activity')
    await expect(item(page, 'imported 3 containers').first()).toBeVisible()
    await expect(page.getByRole('button', { name: /^Undo: / })).toHaveCount(0)
    await switchUser(page, securedServer, 'ada', '/app/activity')
    await expect(
      item(page, 'imported 3 containers').first().getByRole('button', { name: /^Undo: / }),
    ).toBeVisible()
  })

  test('a deleted row says so, and is restored', async ({ page, securedServer }) => {
    await signIn(page, securedServer, 'olga')
    const name = uniqueName('Doomed')
    const id = await addFreezer(page, name)
    await addBoxes(page, id, 2)
    await page.goto(`${securedServer.url}/app/freezers/${id}`)
    await expectLoaded(page, name)
    expect((await callApi(page, 'DELETE', `/api/v1/freezers/${id}?cascade=true`)).status).toBe(200)
    await page.reload()
    await expect(page.getByText(`The freezer ${name} was deleted`)).toBeVisible()
    await expect(page.getByText(/^Deleted by Olga Berg, /)).toBeVisible()
    await expect(rowHistory(page).getByRole('listitem').first()).toContainText('Olga Berg deleted this freezer')
    await checkScreen(page, 'deleted-row')
    await page.getByRole('button', { name: 'Restore' }).click()
    await expect(dialog(page)).toContainText('Brings back')
    await dialog(page).getByRole('button', { name: 'Restore' }).click()
    await expectLoaded(page, name)
    expect(await countContainers(page, `freezer_id=${id}`)).toBe(2)
    // A row that never was is not found.
    await page.goto(`${securedServer.url}/app/freezers/987654`)
    await expect(page.getByText('Not found')).toBeVisible()
  })
})

test('a value and a version are restored from the history of a row', async ({ page, openServer }) => {
  test.slow() // axe
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Harbour')
  const id = await addSite(page, { name, contact: 'Kari' })
  await callApi(page, 'PATCH', `/api/v1/sites/${id}`, { contact: 'Ola', country: 'Norway' })
  await callApi(page, 'PATCH', `/api/v1/sites/${id}`, { name: `${name} B` })
  await page.goto(`${openServer.url}/app/sites/${id}`)
  await expectLoaded(page, `${name} B`)
  const history = await openTab(page, 'History')
  const change = (n: number) => history.getByRole('listitem').filter({ has: page.locator('time') }).nth(n)
  await change(1).getByRole('button', { name: /^Restore from/ }).click()
  await checkScreen(page, 'restore-menu')
  await page.getByRole('menuitem', { name: 'Contact: Kari' }).click()
  await expect(page.getByText('Restored')).toBeVisible()
  const site = async () => (await callApi(page, 'GET', `/api/v1/sites/${id}`)).body
  expect(await site()).toMatchObject({ name: `${name} B`, contact: 'Kari', country: 'Norway' })
  await history.getByRole('button', { name: /^Restore from/ }).last().click()
  await page.getByRole('menuitem', { name: /^Restore this version/ }).click()
  await expectLoaded(page, name)
  await expect.poll(site).toMatchObject({ name, contact: 'Kari', country: null })
})

test('a container returns to its former place from its history', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const freezer = await addFreezer(page, uniqueName('Places'))
  const box = await addContainer(page, { description: uniqueName('Box'), freezer_id: freezer, rows: 2, columns: 2 })
  const tube = await addContainer(page, { description: uniqueName('Tube'), parent_uuid: box, position: 'A2' })
  await callApi(page, 'PATCH', `/api/v1/containers/${tube}`, { freezer_id: freezer, parent_uuid: null })
  await page.goto(`${openServer.url}/app/containers/${tube}?tab=history`)
  await page.getByRole('button', { name: /^Restore from/ }).first().click()
  await page.getByRole('menuitem', { name: /^Position: A2/ }).click()
  await expect(page.getByText('Restored')).toBeVisible()
  expect((await callApi(page, 'GET', `/api/v1/containers/${tube}`)).body).toMatchObject({
    parent_uuid: box,
    position: 'A2',
  })
})

test('a message after a deletion, a bulk deletion, a move and an import undoes them', async ({ page, openServer }) => {
  test.slow()
  await page.goto(`${openServer.url}/app/`)
  const [from, to] = [uniqueName('From'), uniqueName('To')]
  const [freezer, target] = [await addFreezer(page, from), await addFreezer(page, to)]
  await addBoxes(page, freezer, 4)
  const count = (id: number) => countContainers(page, `freezer_id=${id}`)
  const selectAll = async () => {
    await page.goto(`${openServer.url}/app/containers?freezer_id=${freezer}`)
    await expectLoaded(page, 'Containers')
    await page.getByRole('checkbox', { name: 'Select all' }).check()
  }
  await selectAll()
  await page.getByRole('button', { name: 'Delete…' }).click()
  await dialog(page).getByLabel('Enter 4 to confirm').fill('4')
  await dialog(page).getByRole('button', { name: 'Delete' }).click()
  await expect(message(page, '4 containers deleted')).toBeVisible()
  expect(await count(freezer)).toBe(0)
  await undoIn(page, '4 containers deleted')
  await expect(message(page, 'Undone: deleted 4 containers')).toBeVisible()
  expect(await count(freezer)).toBe(4)

  await selectAll()
  await page.getByRole('button', { name: 'Move…' }).click()
  await chooseTarget(page, to)
  await showPlan(page)
  await page.getByRole('button', { name: 'Move 4 containers' }).click()
  await expect(message(page, '4 containers moved')).toBeVisible()
  expect(await count(target)).toBe(4)
  await undoIn(page, '4 containers moved')
  await expect(message(page, /^Undone: moved 4 containers/)).toBeVisible()
  expect(await count(freezer)).toBe(4)

  await page.goto(`${openServer.url}/app/import?into=sites`)
  await expectLoaded(page, 'Import')
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: /^Choose / }).click()
  const site = uniqueName('Imported')
  await (await chooser).setFiles({
    name: 'sites.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(`name\n${site} 1\n${site} 2\n`),
  })
  await page.getByRole('button', { name: 'Check' }).click()
  await page.getByRole('button', { name: 'Import' }).click()
  await expect(page.getByRole('button', { name: 'Undo: imported 2 sites' })).toBeVisible()
  await undoIn(page, '2 rows imported')
  await expect(message(page, 'Undone: imported 2 sites')).toBeVisible()
  await expect(page.getByText(/^Undone by Anonymous/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Undo: imported 2 sites' })).toHaveCount(0)

  const id = await addSite(page, { name: `${site} 3` })
  await page.goto(`${openServer.url}/app/sites/${id}`)
  await expectLoaded(page, `${site} 3`)
  await deleteRow(page)
  await expectLoaded(page, 'Sites')
  await undoIn(page, `Deleted ${site} 3`)
  await expect(message(page, `Undone: deleted site ${site} 3`)).toBeVisible()
  expect((await callApi(page, 'GET', `/api/v1/sites/${id}`)).body.name).toBe(`${site} 3`)
})

test('Undo is in reach of the keyboard', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const name = uniqueName('Keys')
  const id = await addSite(page, { name })
  await page.goto(`${openServer.url}/app/sites/${id}`)
  await expectLoaded(page, name)
  await deleteRow(page)
  await expectLoaded(page, 'Sites')
  await expect(message(page, `Deleted ${name}`)).toHaveAttribute('role', 'status')
  await page.keyboard.press('t')
  await expect(message(page, `Deleted ${name}`).getByRole('button', { name: 'Undo' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(message(page, `Undone: deleted site ${name}`)).toBeVisible()
  await page.keyboard.press('g')
  await page.keyboard.press('y')
  await expectLoaded(page, 'Activity')
  const undone = item(page, `undid: deleted site ${name}`)
  await undone.getByRole('button', { name: /^Redo: / }).focus()
  await page.keyboard.press('Enter')
  await expect(dialog(page).getByLabel('Reason')).toBeFocused()
  await page.keyboard.insertText('By keyboard')
  await page.keyboard.press('Enter')
  await expect(message(page, `Redone: deleted site ${name}`)).toBeVisible()
  await expect(undone.locator('div:focus')).toContainText('Undone by Anonymous')
})
