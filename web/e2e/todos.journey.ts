import { lab } from './bigLab'
import {
  callApi,
  checkScreen,
  expect,
  expectLoaded,
  holdRequests,
  type Page,
  signIn,
  test,
  uniqueName,
} from './fixtures'

// Todos: the board by keyboard, the list, edit conflicts, permissions and links to other items.

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

test('cards move by keyboard, keep the focus and stay moved', async ({ page, openServer }) => {
  await page.goto(`${openServer.url}/app/`)
  const assignee = uniqueName('Keys')
  const first = await newTodo(page, { description: 'Defrost', assignee, site_id: 1, due_on: '2020-02-29' })
  await newTodo(page, { description: 'Label', assignee })
  await newTodo(page, { description: 'Wait', assignee, status: 'blocked' })
  await page.goto(`${openServer.url}/app/todos?assignee=${encodeURIComponent(assignee)}`)
  await expectLoaded(page, 'Todos')
  const column = (name: string) => page.getByRole('region', { name: new RegExp(`^${name} `) })
  await expect(column('open').getByRole('listitem')).toHaveCount(2)
  await expect(column('other')).toContainText('blocked')
  await expect(column('open')).toContainText('29 Feb 2020 (overdue)')
  await checkScreen(page, 'board')
  const link = page.getByRole('link', { name: 'Defrost' })
  await link.focus()
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('link', { name: 'Label' })).toBeFocused()
  await page.keyboard.press('ArrowUp')
  for (const name of ['doing', 'done']) {
    await page.keyboard.press('Shift+ArrowRight')
    await expect(column(name).getByRole('link', { name: 'Defrost' })).toBeFocused()
  }
  await page.keyboard.press('Shift+ArrowRight') // no effect in the last column
  await page.keyboard.press('Shift+ArrowLeft')
  await expect(column('doing').getByRole('link', { name: 'Defrost' })).toBeFocused()
  await expect
    .poll(async () => (await callApi(page, 'GET', `/api/v1/todos/${first}`)).body)
    .toMatchObject({ status: 'doing', version: 4 })
  await expect(column('other')).toContainText('Status: blocked')
  await page.getByRole('button', { name: 'Move to open: Wait' }).press('Enter')
  await expect(column('open').getByRole('button', { name: 'Move to doing: Wait' })).toBeFocused()
  await expect(column('other')).toHaveCount(0)
  await page.reload()
  await expect(column('open').getByRole('listitem')).toHaveCount(2)
  await expect(column('doing').getByRole('listitem')).toHaveCount(1)
  await link.focus()
  await page.keyboard.press('Enter')
  await expectLoaded(page, 'Defrost')
  await expect(page.getByRole('link', { name: 'Site 1' })).toBeVisible()
})

test('a user creates, assigns, finds, edits and deletes a todo', async ({ page, securedServer }) => {
  test.slow()
  const description = uniqueName('Count the tubes')
  await signIn(page, securedServer, 'olga', '/app/todos?view=list')
  await expectLoaded(page, 'Todos')
  await page.keyboard.press('n')
  await expectLoaded(page, 'New todo')
  await page.getByLabel('Title').fill(description)
  await page.getByRole('button', { name: 'Assign to me' }).click()
  await page.getByLabel('Due date').fill('2020-01-31')
  await page.getByRole('combobox', { name: 'Site' }).fill('Site 2')
  await page.getByRole('option', { name: 'Site 2' }).click()
  await page.getByRole('combobox', { name: 'Freezer' }).fill('Minus80-B2')
  await page.getByRole('option').nth(1).click()
  await checkScreen(page, 'todo-new')
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, description)
  await expect(page.getByRole('definition').filter({ hasText: '31 Jan 2020 (overdue)' })).toBeVisible()
  await checkScreen(page, 'todo')
  await page.goto(`${securedServer.url}/app/todos`)
  await page.getByRole('button', { name: 'List' }).click()
  await page.getByRole('button', { name: 'Assigned to me' }).click()
  await page.getByRole('button', { name: 'Overdue' }).click()
  await expect(page).toHaveURL(/view=list&assignee=olga&due_on__lt=\d{4}-\d\d-\d\d&status__not=done/)
  await checkScreen(page, 'todos')
  await page.getByRole('link', { name: description }).click()
  await expectLoaded(page, description)
  await page.keyboard.press('u')
  await page.getByLabel('Status').fill('waits for parts')
  await page.getByLabel('Due date').fill('')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved')).toBeVisible()
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Status: open → waits for parts')
  await page.goBack()
  await expect(page.getByRole('button', { name: 'List' })).toHaveAttribute('aria-pressed', 'true')
  await expect(page.getByText(description)).toHaveCount(0) // no due date any more
  await page.goForward()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expectLoaded(page, 'Todos')
  await expect(page.getByText(description)).toHaveCount(0)
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
    await page.getByLabel('Assignee').fill('Grace')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Saved')).toBeVisible()
    await otherPage.getByLabel('Assignee').fill('Linus')
    await otherPage.getByLabel('Status').fill('doing')
    await otherPage.getByRole('button', { name: 'Save' }).click()
    const dialog = otherPage.getByRole('dialog')
    await expect(dialog).toContainText('Theirs: Grace')
    await expect(dialog).toContainText('Only you changed Status: open → doing')
    await dialog.getByRole('radiogroup', { name: 'Assignee' }).getByLabel('Theirs').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect(otherPage.getByText('Saved')).toBeVisible()
    expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({
      assignee: 'Grace',
      status: 'doing',
      version: 3,
    })
  })

  test('a card edited by another user still moves; a card moved by another user does not', async ({
    page,
    openServer,
  }) => {
    await page.goto(`${openServer.url}/app/`)
    const assignee = uniqueName('Fast')
    const id = await newTodo(page, { description: 'Thaw', assignee })
    await page.goto(`${openServer.url}/app/todos?assignee=${encodeURIComponent(assignee)}`)
    await page.getByRole('link', { name: 'Thaw' }).focus()
    await callApi(page, 'PATCH', `/api/v1/todos/${id}`, { due_on: '2030-01-01' })
    const refetched = page.waitForResponse((response) => response.url().includes('/api/v1/todos?'))
    await page.keyboard.press('Shift+ArrowRight')
    await expect(page.getByRole('region', { name: 'doing (1)' })).toContainText('1 Jan 2030')
    await (await refetched).finished()
    await callApi(page, 'PATCH', `/api/v1/todos/${id}`, { status: 'done' })
    await page.getByRole('link', { name: 'Thaw' }).focus()
    await page.keyboard.press('Shift+ArrowLeft')
    await expect(page.getByText('Another user moved “Thaw” to done.')).toBeVisible()
    await expect(page.getByRole('region', { name: 'done (1)' })).toContainText('Thaw')
    expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({
      status: 'done',
      due_on: '2030-01-01',
    })
  })

  test('a viewer edits own todos, but not those of other users', async ({ page, browser, securedServer }) => {
    const otherContext = await browser.newContext()
    const olgaPage = await otherContext.newPage()
    await signIn(olgaPage, securedServer, 'olga')
    const assignee = uniqueName('Team')
    const olgaTodo = await newTodo(olgaPage, { description: 'Sort samples', assignee })
    await signIn(page, securedServer, 'vera')
    await newTodo(page, { description: 'Order labels', assignee })
    await page.goto(`${securedServer.url}/app/todos?assignee=${encodeURIComponent(assignee)}`)
    await expectLoaded(page, 'Todos')
    await expect(page.getByRole('button', { name: 'Move to doing: Order labels' })).toBeVisible()
    await expect(page.getByRole('button', { name: 'Move to doing: Sort samples' })).toHaveCount(0)
    await checkScreen(page, 'board-viewer')
    await page.getByRole('link', { name: 'Sort samples' }).focus()
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    await page.route(`**/api/v1/todos/${olgaTodo}`, async (route) => {
      await released
      await route.continue()
    })
    await page.keyboard.press('Shift+ArrowRight')
    await expect(page.getByRole('region', { name: /^doing/ })).toContainText('Sort samples') // before the response
    release()
    const rejection = 'Only its owner (olga), its assignee and admins may change this row.'
    await expect(page.getByText(`“Sort samples” could not be moved. ${rejection}`)).toBeVisible()
    // The card has moved back.
    await expect(page.getByRole('region', { name: /^open/ }).getByRole('link', { name: 'Sort samples' })).toBeFocused()
    await page.keyboard.press('Enter')
    await expectLoaded(page, 'Sort samples')
    for (const name of ['Edit', 'Delete']) await expect(page.getByRole('button', { name })).toHaveCount(0)
    await expect(page.getByText('Only the owner (olga), the assignee or an admin can edit this todo.')).toBeVisible()
    await checkScreen(page, 'todo-read-only')
    await otherContext.close()
  })

  test('a validation error of the server is shown at its field', async ({ page, openServer }) => {
    await page.goto(`${openServer.url}/app/todos/new?alert_id=nothing`)
    await page.getByLabel('Title').fill('Review the alert')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByLabel('Alert')).toHaveAccessibleDescription(
      'must be a UUID like 123e4567-e89b-12d3-a456-426614174000',
    )
    await expect(page.getByLabel('Alert')).toBeFocused()
    await checkScreen(page, 'todo-rejected')
  })
})

// The second of two items with the same name.
const linked = { site_id: 14, freezer_id: 107, computer_id: 212 }

test('the form of a todo shows the items that it saves', async ({ page, openServer }) => {
  const field = (name: string) => page.getByRole('combobox', { name, exact: true })
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
  await page.getByRole('option').nth(1).click()
  await field.fill('')
  await field.press('Tab')
  await expect(field).toHaveValue('')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved')).toBeVisible()
  expect((await callApi(page, 'GET', `/api/v1/todos/${id}`)).body).toMatchObject({ freezer_id: null, version: 2 })
})

test('a site lists its todos and creates linked ones; Home lists the user’s todos', async ({
  page,
  securedServer,
}) => {
  await signIn(page, securedServer, 'olga', '/app/sites/1')
  await expectLoaded(page, 'Site 1')
  const todos = page.getByRole('region', { name: 'Todos' })
  await todos.getByRole('link', { name: 'New todo' }).click()
  await expectLoaded(page, 'New todo')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expectLoaded(page, 'Site 1') // back to the site, not to the list
  await todos.getByRole('link', { name: 'New todo' }).click()
  const description = uniqueName('Sweep the floor')
  await page.getByLabel('Title').fill(description)
  await page.getByRole('button', { name: 'Assign to me' }).click()
  await page.getByLabel('Due date').fill('2020-02-29')
  await page.getByRole('button', { name: 'Save' }).click()
  await expectLoaded(page, description)
  await page.getByRole('link', { name: 'Site 1' }).click()
  await expect(todos.getByRole('row', { name: description })).toContainText('29 Feb 2020 (overdue)')
  await page.getByRole('link', { name: 'Home' }).click()
  const ownTodos = page.getByRole('region', { name: 'My todos' })
  await expect(ownTodos.getByRole('listitem').filter({ hasText: description })).toContainText('29 Feb 2020 (overdue)')
  await ownTodos.getByRole('link', { name: description }).click()
  await expectLoaded(page, description)
})
