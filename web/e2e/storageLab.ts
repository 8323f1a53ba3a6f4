import { callApi, expect, type Page, uniqueName } from './fixtures'

// Freezers, boxes with grids and tubes, which a journey creates for itself.

export interface NewContainer {
  description: string
  freezer_id?: number
  parent_uuid?: string
  position?: string
  barcode?: string
  kind?: string
  type?: string
  rows?: number
  columns?: number
}

/** addFreezer creates a freezer at Biobank North, or at another site, and returns its ID. */
export async function addFreezer(page: Page, name: string, fields: object = {}): Promise<number> {
  const { status, body } = await callApi(page, 'POST', '/api/v1/freezers', { name, site_id: 14, ...fields })
  expect(status).toBe(201)
  return body.id
}

/** addContainer creates a container and returns its UUID. */
export async function addContainer(page: Page, fields: NewContainer): Promise<string> {
  const { status, body } = await callApi(page, 'POST', '/api/v1/containers', fields)
  expect(status, JSON.stringify(body)).toBe(201)
  return body.uuid
}

/** countContainers returns the number of containers that match a query, at most 1,000. Other journeys may add some. */
export async function countContainers(page: Page, query: string): Promise<number> {
  return (await callApi(page, 'GET', `/api/v1/containers?${query}&fields=uuid&limit=1000`)).body.length
}

/** addBoxes creates loose boxes in a freezer, with texts as long as in practice. */
export async function addBoxes(page: Page, freezer: number, count: number, fields: object = {}) {
  const lot = uniqueName('Lot').replace(/\W/g, '')
  const boxes = Array.from({ length: count }, (_, i) => ({
    description: `Mouse serum of the second visit, cohort ${i % 9}, box ${i + 1} of ${count}`,
    barcode: `${lot}-${String(i + 1).padStart(4, '0')}`,
    freezer_id: freezer,
    ...fields,
  }))
  expect((await callApi(page, 'POST', '/api/v1/containers', boxes)).status).toBe(200)
  return lot
}
