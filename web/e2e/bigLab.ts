import { createHash } from 'node:crypto'

import type { Server } from './server'

// A laboratory with many rows: names repeat, and some texts are long. The IDs are fixed, so that a journey can name a
// row. A journey chooses the second of two rows with equal names, never the first row.

type Cell = string | number | null
type Row = Record<string, Cell>

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** boxUuid returns the barcode of a box. It is the same in every run. */
export function boxUuid(box: number): string {
  const digits = createHash('md5').update(`box ${box}`).digest('hex')
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([start, end]) => digits.slice(start, end)).join('-')
}

const siteNames = ['Oslo clinic', 'Biobank West', 'Biobank North', 'Biobank North', 'Biobank South', 'Madrid clinic']
const sites = siteNames.map((name, i) => ({
  id: 11 + i,
  name,
  contact: `Contact ${i}`,
  address: `${i + 1} Harbour Road`,
  state_or_region: null,
  country: i < 4 ? 'Norway' : 'Spain',
  postcode_or_zip: `0${i}50`,
}))

/** Five freezers at each of five sites, with the same five names: 107 is the second Minus80-B2. */
const freezers = range(25).map((i) => ({
  id: 101 + i,
  name: `Minus80-B${(i % 5) + 1}`,
  site_id: 11 + Math.floor(i / 5),
}))

const computers = range(30).map((i) => ({
  id: 201 + i,
  name: `Reader ${(i % 10) + 1}`,
  mac: `02:00:00:00:01:${(16 + i).toString(16)}`,
  site_id: 11 + (i % 6),
}))

const longText =
  'Serum of the second visit, thawed once for ten minutes on ice and frozen again, split into four tubes because the ' +
  'first cap leaked; see the notes of the night shift before use'

function describeBox(box: number): string | null {
  if (box === 3) return null
  if (box === 8) return 'Lot' + '0123456789'.repeat(30)
  if ([21, 23, 24, 2, 4, 7].includes(box % 25)) return `${longText.slice(0, 118 + (box % 60))} ${box}`
  return box % 5 === 0 ? 'Mouse serum, cohort 4' : `Plasma rack ${box}`
}

const containers = range(3000).map((i) => ({
  uuid: boxUuid(i),
  description: describeBox(i),
  freezer_id: 101 + (i % 25),
}))

const users = range(30).map((i) => ({
  username: `technician${i + 1}`,
  country: i % 2 ? 'Norway' : 'Spain',
  risk: 'medium',
  role: 'viewer',
  disabled: 'false',
}))

/** Todos in pairs of equal titles, each linked to another freezer, site and computer. */
const todos = range(40).map((i) => ({
  description: `Defrost and label all shelves before the audit, then send the list of empty positions, part ${i % 20}`,
  status: ['open', 'doing', 'done', 'waits for parts'][i % 4] ?? 'open',
  assignee: `technician${(i % 30) + 1}`,
  due_on: null,
  site_id: 11 + (i % 6),
  freezer_id: 101 + (i % 25),
  computer_id: 201 + (i % 30),
  alert_id: null,
}))

/** Events of 40 users; every tenth withdraws more than the limit, which raises an alert. */
const events = range(600).map((i) => {
  const round = Math.floor(i / 40)
  const isLarge = ((i % 40) + round) % 10 === 0
  return {
    type: isLarge ? 'withdraw' : 'deposit',
    amount: isLarge ? '142.50' : round % 2 ? '20.00' : '10.00',
    user_id: 900_001 + (i % 40),
    time: 1_600_000_000 + i * 100,
  }
})

export const lab = { sites, freezers, computers, containers, users, todos, events }

/** fillLab stores the laboratory with the import command, as an operator would. */
export function fillLab(server: Server) {
  for (const [table, rows] of Object.entries(lab)) server.run(['import', table, '-'], toCsv(rows))
}

function toCsv(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  const quote = (cell: Cell | undefined) => (cell === null ? '' : `"${String(cell).replaceAll('"', '""')}"`)
  return [names, ...rows.map((row) => names.map((name) => quote(row[name])))].map((cells) => cells.join(',')).join('\n')
}
