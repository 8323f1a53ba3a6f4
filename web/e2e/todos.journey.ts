import type { Locator } from '@playwright/test'

import { isoDay, lab } from './bigLab'
import { openTab } from './detailPage'
import {
  callApi,
  checkScreen,
  deleteRow,
  expect,
  expectLoaded,
  holdRequests,
  menuLink,
  type Page,
  rowHistory,
  signIn,
  test,
  uniqueName,
} from './fixtures'
import type { Server } from './server'

// Todos: the board by mouse and keyboard, the list, edit conflicts, permissions and links to other items.

async function newTodo(page: Page, fields: Record<string, unknown>): Promise<number> {
  const { status, body } = await callApi(page, 'POST', '/api/v1/todos', {
    status: 'open',
    assignee: null,
    due_on: null,
    site_id: null,
    freezer_id: null,
    computer_id: null,
    alert_id: null,
    ...fields,
  })
  expect(status).toBe(201)
  return body.id
}

const column = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name} `) })
const card = (page: Page, title: string) => page.getByRole('link', { name: title, exact: true })

/** newCards creates todos that share a word of their titles, and opens the board with them. */
async function newCards(page: Page, server: Server, titles: Record<string, Record<string, unknown>>) {
  const word = uniqueName('Lot').replace(/\W/g, '')
  const ids: number[] = []
  for (const [title, fields] of Object.entries(titles))
    ids.push(await newTodo(page, { description: `${title} ${word}`, ...fields }))
  await page.goto(`${server.url}/app/todos?q=${word}`)
  await expectLoaded(page, 'Todos')
  return { word, ids }
}

test('cards move by keyboard, keep the focus and stay moved', async ({ page, openServer }) => {
  test.slow() // axe checks the board three times
  await page.goto(`${openServer.url}/app/`)
  const { word, ids } = await newCards(page, openServer, {
    Defrost: { site_id: 1, due_on: '2020-02-29' },
    Label: { due_on: isoDay(0) },
    Wait: { status: 'blocked' },
  })
  const [defrost, label, wait] = ['Defrost', 'Label', 'Wait'].map((title) => card(page, `${title} ${word}`)) as [
    Locator,
    Locator,
    Locator,
  ]
  await expect(column(page, 'To do').getByRole('listitem')).toHaveCount(2)
  await expect(column(page, 'Other')).toContainText('blocked')
  await expect(column(page, 'To do')).toContainText('Overdue since 29 Feb 2020')
  await expect(column(page, 'To do')).toContainText(/Today, \d/)
  await checkScreen(page, 'board')
  await defrost.focus()
  await page.keyboard.press('ArrowDown')
  await expect(label).toBeFocused()
  await page.keyboard.press('ArrowUp')
  for (const name of ['In progress', 'Done']) {
    await page.keyboard.press('Shift+ArrowRight')
    await expect(column(page, name).getByRole('link', { name: `Defrost ${word}` })).toBeFocused()
  }
  await expect(page.getByRole('status').filter({ hasText: `Moved “Defrost ${word}” to Done` })).toBeAttached()
  await page.keyboard.press('Shift+ArrowRight') // no effect in the last column
  await page.keyboard.press('Shift+ArrowLeft')
  await expect(column(page, 'In progress').getByRole('link', { name: `Defrost ${word}` })).toBeFocused()
  await expect
    .poll(async () => (await callApi(page, 'GET', `/api/v1/todos/${ids[0]}`)).body)
    .toMatchObject({ status: 'doing', version: 4 })
  const menu = { name: `Actions for Wait ${word}` }
  await page.getByRole('button', menu).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('menuitem')).toHaveText(['Move to To do', 'Move to In progress', 'Move to Done'])
  await expect(page.getByRole('menuitem').first()).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(column(page, 'To do').getByRole('button', menu)).toBeFocused()
  await expect(column(page, 'Other')).toHaveCount(0)
  await page.reload()
  await expect(column(page, 'To do').getByRole('listitem')).toHaveCount(2)
  await expect(column(page, 'In progress').getByRole('listitem')).toHaveCount(1)
  await expect(wait).toBeVisible()
  await defrost.focus()
  await page.keyboard.press('Enter')
  await expectLoaded(page, `Defrost ${word}`)
  await expect(page.getByRole('link', { name: 'Site 1' })).toBeVisible()
})

test('a card is dragged to another column with the mouse', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const { word, ids } = await newCards(page, openServer, { Defrost: {}, Label: {} })
  await card(page, `Label ${word}`).dragTo(column(page, 'Done'))
  await expect(column(page, 'Done').getByRole('link', { name: `Label ${word}` })).toBeVisible()
  await page.getByRole('listitem').filter({ hasText: 'Defrost' }).dragTo(column(page, 'In progress'))
  await expect(column(page, 'In progress').getByRole('link', { name: `Defrost ${word}` })).toBeVisible()
  await expect(page).toHaveURL(/\/todos\?q=/) // dragging a link opens nothing
  for (const [i, status] of ['doing', 'done'].entries())
    await expect.poll(async () => (await callApi(page, 'GET', `/api/v1/todos/${ids[i]}`)).body.status).toBe(status)
  await card(page, `Label ${word}`).dragTo(page.getByRole('heading', { level: 1 })) // outside the columns
  await page.reload()
  await expect(column(page, 'Done').getByRole('link', { name: `Label ${word}` })).toBeVisible()
})

test('a todo is added with its title alone', async ({ page, securedServer }) => {
  await signIn(page, securedServer, 'vera', '/app/todos?assignee=vera')
  await expectLoaded(page, 'Todos')
  const title = uniqueName('Order tips')
  const field = page.getByLabel('Title of a new todo')
  await expect(page.getByRole('button', { name: 'Add', exact: true })).toBeDisabled()
  await field.fill(title)
  await field.press('Enter')
  await expect(page.getByText(`Added “${title}”`)).toBeVisible()
  await expect(field).toHaveValue('')
  const item = page.getByRole('listitem').filter({ has: card(page, title) })
  await expect(item).toContainText('Vera Rubin') // the filter gives the assignee
  await expect(column(page, 'To do').getByRole('link', { name: title })).toBeVisible()
})

test('a user creates, assigns, finds, edits and deletes a todo', async ({ page, securedServer }) => {
  test.slow()
  const description = uniqueName('Count the tubes')
  await signIn(page, securedServer, 'olga', '/app/todos?view=list')
  await expectLoaded(page, 'Todos')
  await page.keyboard.press('n')
  await expectLoaded(page, 'New todo')
  await page.getByLabel('Title').fill(description)
  await page.getByRole('combobox', { name: 'Assignee' }).fill('olga')
  await page.getByRole('option', { name: 'Olga Berg' }).click()
  await page.getByRole('textbox', { name: 'Due date' }).click()
  await expect(page.getByRole('button', { name: 'Next month' })).toBeVisible()
  await checkScreen(page, 'todo-calendar')
  await page.getByRole('textbox', { name: 'Due date' }).fill('31 Jan 2020')
  await page.getByRole('main').getByRole('combobox', { name: 'Site' }).fill('Site 2')
  await page.getByRole('option', { name: 'Site 2' }).click()
  await page.getByRole('combobox', { name: 'Freezer' }).fill('Minus80-B2')
  await page.getByRole('option', { name: /^Minus80-B2/ }).nth(1).click()
  await expect(page.getByRole('combobox', { name: 'Assignee' })).toHaveValue('Olga Berg')
  await checkScreen(page, 'todo-new')
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, description)
  const details = page.getByRole('definition')
  await expect(details.filter({ hasText: 'Overdue since 31 Jan 2020' })).toBeVisible()
  await expect(details.filter({ hasText: 'Olga Berg' }).first()).toBeVisible()
  await checkScreen(page, 'todo')
  await page.goto(`${securedServer.url}/app/todos`)
  await page.getByRole('button', { name: 'List' }).click()
  await page.getByRole('button', { name: 'Assigned to me' }).click()
  await page.getByRole('button', { name: 'Overdue' }).click()
  await expect(page).toHaveURL(/view=list&assignee=olga&due_on__lt=\d{4}-\d\d-\d\d&status__not=done/)
  await expect(page.getByRole('row', { name: description })).toContainText('To do')
  await checkScreen(page, 'todos')
  await page.getByRole('link', { name: description }).click()
  await expectLoaded(page, description)
  await page.keyboard.press('u')
  await page.getByRole('combobox', { name: 'Status' }).fill('waits for parts')
  await page.getByRole('textbox', { name: 'Due date' }).fill('')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved')).toBeVisible()
  await expect(rowHistory(page)).toContainText('Status: To do → waits for parts')
  await page.goBack()
  await expect(page).toHaveURL(/view=list/)
  await expect(page.getByText(description)).toHaveCount(0) // no due date any more
  await page.goForward()
  await deleteRow(page)
  await expectLoaded(page, 'Todos')
  await expect(page.getByRole('main').getByText(description)).toHaveCount(0)
})

test.describe('rejected requests', () => {
  test.use({ expectedErrors: /status of (400|403|412)/ })

  test('two tabs that edit the same todo resolve the conflict', async ({ page, context, openServer }) => {
    await page.goto(`${openServer.url}/app/`)
    const id = await newTodo(page, { description: uniqueName('Twice') })
    const otherPage = await context.newPage()
    for (const tab of [page, otherPage]) {
      await tab.goto(`${openServer.url}/app/todos/${id}`)
      await tab.getByRole('button', { name: 'Edit' }).click()
    }
    const setAssignee = async (tab: Page, username: string) => {
      await tab.getByRole('combobox', { name: 'Assignee' }).fill(username)
      await tab.getByRole('option', { name: new RegExp(`${username}$`) }).click()
    }
    await setAssignee(page, 'technician2')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Saved')).toBeVisible()
    await setAssignee(otherPage, 'technician7')
    await otherPage.getByRole('combobox', { name: 'Status' }).fill('In progress')
    await otherPage.getByRole('button', { name: 'Save' }).click()
    const dialog = otherPage.getByRole('dialog')
    await expect(dialog).toContainText('Yours: Mei Chen')
    await expect(dialog).toContainText('Theirs: Harry Osei')
    await expect(dialog).toContainText('Only you changed Status: To do → In progress')
    await dialog.getByRole('radiogroup', { name: 'Assignee' }).getByLabel('Theirs').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(otherPage.getByText('Saved')).toBeVisible()
    expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({
      assignee: 'technician2',
      status: 'doing',
      version: 3,
    })
  })

  test('a card edited by another user still moves; a card moved by another user does not', async ({
    page,
    openServer,
  }) => {
    await page.goto(`${openServer.url}/app/`)
    const { word, ids } = await newCards(page, openServer, { Thaw: {} })
    const [id] = ids
    const link = card(page, `Thaw ${word}`)
    await link.focus()
    await callApi(page, 'PATCH', `/api/v1/todos/${id}`, { due_on: '2030-01-01' })
    const refetched = page.waitForResponse((response) => response.url().includes('/api/v1/todos?'))
    await page.keyboard.press('Shift+ArrowRight')
    await expect(page.getByRole('region', { name: 'In progress (1)' })).toContainText('1 Jan 2030')
    await (await refetched).finished()
    await callApi(page, 'PATCH', `/api/v1/todos/${id}`, { status: 'done' })
    await link.focus()
    await page.keyboard.press('Shift+ArrowLeft')
    await expect(page.getByText(`Another user moved “Thaw ${word}” to Done.`)).toBeVisible()
    await expect(page.getByRole('region', { name: 'Done (1)' })).toContainText('Thaw')
    expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({
      status: 'done',
      due_on: '2030-01-01',
    })
  })

  test('a viewer edits own todos, but not those of other users', async ({ page, browser, securedServer }) => {
    const otherContext = await browser.newContext()
    const olgaPage = await otherContext.newPage()
    await signIn(olgaPage, securedServer, 'olga')
    const { word, ids } = await newCards(olgaPage, securedServer, { 'Sort samples': {} })
    const [olgaTodo] = ids
    await signIn(page, securedServer, 'vera')
    await newTodo(page, { description: `Order labels ${word}` })
    await page.goto(`${securedServer.url}/app/todos?q=${word}`)
    await expectLoaded(page, 'Todos')
    await expect(page.getByRole('button', { name: `Actions for Order labels ${word}` })).toBeVisible()
    await expect(page.getByRole('button', { name: `Actions for Sort samples ${word}` })).toHaveCount(0)
    await checkScreen(page, 'board-viewer')
    const sortSamples = card(page, `Sort samples ${word}`)
    await sortSamples.dragTo(column(page, 'Done')) // it cannot be dragged
    await expect(column(page, 'To do').getByRole('link')).toHaveCount(2)
    await sortSamples.focus()
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    await page.route(`**/api/v1/todos/${olgaTodo}`, async (route) => {
      await released
      await route.continue()
    })
    await page.keyboard.press('Shift+ArrowRight')
    await expect(column(page, 'In progress')).toContainText('Sort samples') // before the response
    release()
    const rejection = 'Only its owner (olga), its assignee and admins may change this row.'
    await expect(page.getByText(`“Sort samples ${word}” could not be moved. ${rejection}`)).toBeVisible()
    // The card has moved back.
    await expect(column(page, 'To do').getByRole('link', { name: `Sort samples ${word}` })).toBeFocused()
    await page.keyboard.press('Enter')
    await expectLoaded(page, `Sort samples ${word}`)
    for (const name of ['Edit', 'Delete', 'More actions'])
      await expect(page.getByRole('button', { name })).toHaveCount(0)
    await expect(
      page.getByText('Only the creator (Olga Berg), the assignee or an admin can edit this todo.'),
    ).toBeVisible()
    await checkScreen(page, 'todo-read-only')
    await otherContext.close()
  })

  test('a validation error of the server is shown at its field', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/todos/new`)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Title')).toHaveAccessibleDescription('Required')
    await expect(page.getByLabel('Title')).toBeFocused()
    await page.goto(`${openServer.url}/app/todos/new?alert_id=nothing`)
    await page.getByLabel('Title').fill('Review the alert')
    await page.getByRole('button', { name: 'Save' }).click()
    const alert = page.getByRole('combobox', { name: 'Alert' })
    await expect(alert).toHaveAccessibleDescription(/UUID/)
    await expect(alert).toBeFocused()
    await checkScreen(page, 'todo-rejected')
  })

  test('an assignee who was deleted meanwhile is rejected at the field', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/`)
    const username = uniqueName('leaver')
    const { body } = await callApi(page, 'POST', '/api/v1/users', { username })
    await page.goto(`${openServer.url}/app/todos/new`)
    const title = uniqueName('Sweep')
    await page.getByLabel('Title').fill(title)
    await page.getByRole('combobox', { name: 'Assignee' }).fill(username)
    await page.getByRole('option', { name: username }).click()
    expect((await callApi(page, 'DELETE', `/api/v1/users/${body.id}`)).status).toBeLessThan(300)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('combobox', { name: 'Assignee' })).toHaveAccessibleDescription('This user does not exist. Choose another.')
    await expect(page.getByLabel('Title')).toHaveValue(title)
  })
})

// The second of two items with the same name.
const linked = { site_id: 14, freezer_id: 107, computer_id: 212 }

test('the form of a todo shows the items that it saves', async ({ page, openServer }) => {
  const field = (name: string) => page.getByRole('main').getByRole('combobox', { name, exact: true })
  for (const name of ['sites', 'freezers', 'computers'] as const) {
    const singular = name.slice(0, -1)
    const [label, id] = [`${singular[0]?.toUpperCase()}${singular.slice(1)}`, linked[`${singular}_id` as 'site_id']]
    const releaseNames = await holdRequests(page, `**/api/v1/${name}?*`)
    await page.goto(`${openServer.url}/app/todos/new?${singular}_id=${id}`)
    await expectLoaded(page, 'New todo')
    await expect(field(label)).toHaveValue(`${label} ${id}`) // before the names arrive
    releaseNames()
    await expect(field(label)).toHaveValue(lab[name].find((row) => row.id === id)?.name ?? '')
    const description = uniqueName('Defrost')
    await page.getByLabel('Title').fill(description)
    await page.getByRole('button', { name: 'Save' }).click()
    await expectLoaded(page, description)
    const { body } = await callApi(page, 'GET', `/api/v1${new URL(page.url()).pathname.replace('/app', '')}`)
    expect(body).toMatchObject({ site_id: null, freezer_id: null, computer_id: null, [`${singular}_id`]: id })
  }
  const id = await newTodo(page, { description: uniqueName('Label'), ...linked })
  await page.goto(`${openServer.url}/app/todos/${id}`)
  await page.getByRole('button', { name: 'Edit' }).click()
  await expect(field('Site')).toHaveValue('Biobank North')
  await expect(field('Freezer')).toHaveValue('Minus80-B2')
  await expect(field('Computer')).toHaveValue('Reader 2')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible()
  expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({ ...linked, version: 1 })
})

test('text that selects no item is neither shown nor saved', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const id = await newTodo(page, { description: uniqueName('Defrost'), ...linked })
  await page.goto(`${openServer.url}/app/todos/${id}`)
  await page.getByRole('button', { name: 'Edit' }).click()
  const field = page.getByRole('combobox', { name: 'Freezer' })
  await expect(field).toHaveValue('Minus80-B2')
  await field.fill('Minus')
  await field.press('Tab')
  await expect(field).toHaveValue('Minus80-B2')
  await expect(page.getByText('“Minus” was not selected.')).toBeVisible()
  const releaseSearch = await holdRequests(page, '**/api/v1/search?*')
  await field.fill('Minus80-B3')
  await field.press('Enter') // before the search has answered
  await expect(field).toHaveValue('Minus80-B3')
  releaseSearch()
  await page.getByRole('option', { name: /^Minus80-B3/ }).nth(1).click()
  await field.fill('')
  await field.press('Tab')
  await expect(field).toHaveValue('')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved')).toBeVisible()
  expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({ freezer_id: null, version: 2 })
})

test('a form warns before typed text is lost', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/todos/new`)
  await page.getByLabel('Title').fill('Draft')
  const messages: string[] = []
  let accepts = false
  page.on('dialog', (dialog) => {
    messages.push(dialog.message())
    void (accepts ? dialog.accept() : dialog.dismiss())
  })
  await menuLink(page, 'Sites').click()
  await expect.poll(() => messages).toEqual(['Leave without saving? What you typed will be lost.'])
  await expect(page.getByLabel('Title')).toHaveValue('Draft')
  accepts = true
  await menuLink(page, 'Sites').click()
  await expectLoaded(page, 'Sites')
})

test('a site lists its todos and creates linked ones; the overview lists the user’s todos', async ({
  page,
  securedServer,
}) => {
  const main = page.getByRole('main')
  await signIn(page, securedServer, 'olga', '/app/sites/1')
  await expectLoaded(page, 'Site 1')
  await openTab(page, 'Todos')
  await main.getByRole('link', { name: 'New todo' }).first().click()
  await expectLoaded(page, 'New todo')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expectLoaded(page, 'Site 1') // back to the site, not to the list
  await openTab(page, 'Todos')
  await main.getByRole('link', { name: 'New todo' }).first().click()
  const description = uniqueName('Sweep the floor')
  await page.getByLabel('Title').fill(description)
  await page.getByRole('combobox', { name: 'Assignee' }).fill('olga')
  await page.getByRole('option', { name: 'Olga Berg' }).click()
  await page.getByRole('textbox', { name: 'Due date' }).fill('29 Feb 2020')
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, description)
  await main.getByRole('link', { name: 'Site 1' }).click()
  await openTab(page, 'Todos')
  await expect(page.getByRole('row', { name: description })).toContainText('Overdue since 29 Feb 2020')
  await menuLink(page, 'Overview').click()
  const ownTodos = page.getByRole('region', { name: 'My work' })
  await expect(ownTodos.getByRole('listitem').filter({ hasText: description })).toContainText(/overdue.*29 Feb 2020/)
  await ownTodos.getByRole('link', { name: description }).click()
  await expectLoaded(page, description)
})
