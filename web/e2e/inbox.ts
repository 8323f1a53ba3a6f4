import { callApi, expect, type Page } from './fixtures'

// Helpers for the journeys of the alert inbox.

/** alertItem is the entry of an alert of a user in the list of the inbox. */
export const alertItem = (page: Page, user: number | string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('link', { name: `User ${user}`, exact: true }) })

/** alertLink is the link that opens an alert of a user in the inbox. */
export const alertLink = (page: Page, user: number | string) =>
  alertItem(page, user).getByRole('link', { name: `User ${user}`, exact: true })

/** chosenAlert is the title of the alert beside the list. */
export const chosenAlert = (page: Page) =>
  page.getByRole('region', { name: 'Chosen alert' }).getByRole('heading', { level: 2 })

/** bulkBar has the buttons for the selected alerts. */
export const bulkBar = (page: Page) => page.getByRole('region', { name: 'Selected alerts' })

/** undoButton undoes what a message reports. */
export const undoButton = (page: Page, message: string | RegExp) =>
  page.getByRole('status').filter({ hasText: message }).getByRole('button', { name: 'Undo' })

/** fetchAlert returns an alert as the server has it. */
export const fetchAlert = async (page: Page, id: string) => (await callApi(page, 'GET', `/api/v1/alerts/${id}`)).body

/** expectStates waits until alerts have states on the server. */
export const expectStates = (page: Page, ids: readonly string[], states: readonly string[]) =>
  expect.poll(() => Promise.all(ids.map(async (id) => (await fetchAlert(page, id)).state))).toEqual(states)
