import { createHash } from 'node:crypto'

import { importRows } from './importRows'
import type { Server } from './server'

// A laboratory with many rows: names repeat, and some texts are long. The IDs are fixed, so that a journey can name a
// row. A journey chooses the second of two rows with equal names, never the first row.

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** boxUuid returns the UUID of a box. It is the same in every run. */
export const boxUuid = (box: number): string => storageUuid(`box ${box}`)

/** storageUuid returns the UUID of a container by its name. It is the same in every run. */
export function storageUuid(name: string): string {
  const digits = createHash('md5').update(name).digest('hex')
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

const personNames = [
  'Jane Miller',
  'Harry Osei',
  'Aiko Tanaka',
  'Lucía Fernández',
  'Ingrid Solberg',
  'Peter Novák',
  'Mei Chen',
  'Jane Miller',
  'Ana-Margarida Vasconcelos Figueiredo de Albuquerque Schmidt-Rottluff',
  'Øyvind Müller',
]

const firstUserId = 900_001

/** Thirty technicians with the names of nine persons. 900002 is Harry Osei, as are 900012 and 900022. */
const users = range(30).map((i) => ({
  id: firstUserId + i,
  username: `technician${i + 1}`,
  display_name: personNames[i % 10] ?? '',
  email: `technician${i + 1}@biobank-north.example`,
  country: i % 2 ? 'Norway' : 'Spain',
  risk: 'medium',
  role: 'viewer',
  disabled: 'false',
}))

/** mappedFreezer is the second Minus80-B3. Its containers lie in each other: shelves, racks, boxes and tubes. */
export const mappedFreezer = 108

const place = (name: string, fields: object) => ({
  uuid: storageUuid(name),
  description: name,
  freezer_id: null,
  parent_uuid: null,
  position: null,
  kind: null,
  barcode: null,
  type: null,
  owner: null,
  project: null,
  rows: null,
  columns: null,
  scheme: null,
  blocked: null,
  capacity: null,
  ...fields,
})

const shelves = range(5).map((i) =>
  place(`Shelf ${i + 1}`, { kind: 'shelf', freezer_id: mappedFreezer, capacity: 6 }),
)
const racks = shelves.flatMap((shelf, i) =>
  range(4).map((j) =>
    place(`Rack ${i + 1}${'ABCD'[j]}`, {
      kind: 'rack',
      parent_uuid: shelf.uuid,
      rows: 5,
      columns: 4,
      scheme: '1-1',
      barcode: `RACK-${i + 1}${j + 1}`,
    }),
  ),
)

/** Racks with no box, some, and twenty. 1B has box 1B-1 to 1B-17. */
const racked = racks.flatMap((rack, r) =>
  range(r === 1 ? 17 : (r * 7) % 21).map((i) =>
    place(`Box ${rack.description.slice(5)}-${i + 1}`, {
      kind: 'box',
      parent_uuid: rack.uuid,
      position: `${Math.floor(i / 4) + 1}-${(i % 4) + 1}`,
      barcode: `LL-${String(r * 100 + i).padStart(6, '0')}`,
      rows: 9,
      columns: 9,
      scheme: 'A1',
      blocked: r === 1 && i === 1 ? 'I8, I9' : null,
    }),
  ),
)

const tubeTypes = ['serum', 'serum', 'plasma', 'cells', 'serum', 'plasma', 'urine']

/** Boxes 1B-1 to 1B-3: full, nearly full, and a few tubes. */
const tubes = [81, 62, 12].flatMap((count, b) =>
  range(count).map((i) =>
    place(`Tube ${b + 1}.${i + 1}`, {
      kind: 'tube',
      parent_uuid: storageUuid(`Box 1B-${b + 1}`),
      position: `${'ABCDEFGHI'[Math.floor(i / 9)]}${(i % 9) + 1}`,
      barcode: `T-${b + 1}-${i + 1}`,
      type: tubeTypes[(i * 3 + Math.floor(i / 9)) % 7] ?? null,
      owner: `technician${(i % 3) + 1}`,
      project: i % 5 === 0 ? null : `Cohort ${11 + (i % 2)}`,
    }),
  ),
)

/** A plate with more positions than fit on a screen. */
const plate = place('Plate 1536', { kind: 'plate', parent_uuid: storageUuid('Shelf 5'), rows: 32, columns: 48, scheme: 'A1' })
const wells = range(60).map((i) =>
  place(`Well ${i + 1}`, { parent_uuid: plate.uuid, position: `${'ABCDE'[i % 5]}${1 + Math.floor(i / 5)}`, type: 'DNA' }),
)

const storage = [...shelves, ...racks, ...racked, ...tubes, plate, ...wells]

/** isoDay returns the day a number of days from now, as the API expects it. */
export const isoDay = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

/** Todos in pairs of equal titles, each linked to another freezer, site and computer. A third is due, some overdue. */
const todos = range(40).map((i) => ({
  description: `Defrost and label all shelves before the audit, then send the list of empty positions, part ${i % 20}`,
  status: ['open', 'doing', 'done', 'waits for parts'][i % 4] ?? 'open',
  assignee: `technician${(i % 30) + 1}`,
  due_on: i % 3 === 0 ? isoDay(i - 12) : null,
  site_id: 11 + (i % 6),
  freezer_id: 101 + (i % 25),
  computer_id: 201 + (i % 30),
  alert_id: null,
}))

interface LabEvent {
  type: 'deposit' | 'withdraw'
  amount: string
  user_id: number
  time: number
}

const firstTime = 1_600_000_000

/** Events of 40 users, of whom 30 have accounts; every tenth withdraws more than the limit, which raises an alert. */
const regularEvents = range(600).map((i): LabEvent => {
  const round = Math.floor(i / 40)
  const isLarge = ((i % 40) + round) % 10 === 0
  return {
    type: isLarge ? 'withdraw' : 'deposit',
    amount: isLarge ? '142.50' : round % 2 ? '20.00' : '10.00',
    user_id: firstUserId + (i % 40),
    time: firstTime + i * 100,
  }
})

/** events returns events of one user at regular intervals, in seconds. */
const events = (user: number, type: LabEvent['type'], amounts: number[], start: number, interval: number) =>
  amounts.map(
    (amount, i): LabEvent => ({
      type,
      amount: amount.toFixed(2),
      user_id: firstUserId - 1 + user,
      time: firstTime + 100_000 + start + i * interval,
    }),
  )

/** Events that the other rules fire on. The sixteen rising deposits of technician2 raise fourteen alerts. */
const unusualEvents = [
  ...events(2, 'deposit', range(16).map((i) => i + 1), 0, 100),
  ...[3, 5, 7].flatMap((user, i) => events(user, 'deposit', [90, 80, 60], 5000 + i * 1000, 10)),
  ...[4, 14].flatMap((user, i) => events(user, 'deposit', [1, 2, 1, 2, 1, 2, 1], 10_000 + i * 1000, 8)),
  ...events(6, 'withdraw', [5, 5, 5, 5], 15_000, 200),
]

export const lab = {
  sites,
  freezers,
  computers,
  containers,
  users,
  storage,
  todos,
  events: [...regularEvents, ...unusualEvents],
}

/** fillLab stores the laboratory with the import command, as an operator would. */
export function fillLab(server: Server) {
  for (const [table, rows] of Object.entries(lab)) importRows(server, table === 'storage' ? 'containers' : table, rows)
}
