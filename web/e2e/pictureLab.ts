import { importRows, type Row } from './importRows'
import type { Server } from './server'

// The laboratory of the pictures: four sites, people with names, and a fortnight of work. The rows are the same in every
// run; only their times depend on the clock.

const range = (length: number) => Array.from({ length }, (_, i) => i)
const day = 86_400
const now = Math.floor(Date.now() / 1000)
const date = (days: number) => new Date((now + days * day) * 1000).toISOString().slice(0, 10)

/** pick returns one of the values. It repeats itself in no obvious order. */
const pick = <T>(values: readonly T[], i: number) => values[(i * 7 + (i >> 2) * 5) % values.length] as T

const sites = [
  ['Harbour', 'Grace Hopper', '1 Harbour Road', 'Iceland', '101'],
  ['Hillside', 'Rosalind Franklin', '33 Kings Walk', 'United Kingdom', 'WC2R 2LS'],
  ['Old Mill', 'Chien-Shiung Wu', '9 Mill Lane', 'Ireland', 'D04 V1W8'],
  ['North Quay', 'Tu Youyou', '12 Quay Street', 'Norway', '0150'],
].map(([name, contact, address, country, postcode], i) => ({
  id: 11 + i,
  name: name ?? '',
  contact: contact ?? null,
  address: address ?? null,
  state_or_region: null,
  country: country ?? null,
  postcode_or_zip: postcode ?? null,
}))

const freezerNames = ['Minus80 A', 'Minus80 B', 'Minus20 A', 'LN2 tank 1', 'LN2 tank 2', 'Fridge 1']
const freezers = range(22).map((i) => ({
  id: 101 + i,
  name: freezerNames[i % 6] ?? '',
  site_id: 11 + Math.floor(i / 6),
}))

const computerNames = ['Sequencer', 'Plate reader', 'Front desk', 'Label printer']
const computers = range(10).map((i) => ({
  id: 201 + i,
  name: `${computerNames[i % 4]}${i < 4 ? '' : ` ${1 + Math.floor(i / 4)}`}`,
  mac: `08:00:2b:01:02:${(16 + i).toString(16)}`,
  site_id: 11 + (i % 4),
}))

const contents = ['Mouse serum', 'Human plasma', 'Buffy coat', 'DNA, eluted', 'RNA, stabilized', 'Saliva', 'Liver tissue']
const containers = range(860).map((i) => ({
  uuid: `5e1f0000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`,
  description: `${pick(contents, i)}, cohort ${11 + (i % 14)}, box ${1 + Math.floor(i / 14)}`,
  freezer_id: 101 + Math.floor(22 * ((i * 0.618) % 1) ** 1.4),
}))

const people = [
  ['jmiller', 'Jane Miller', 'high', 'operator'],
  ['hosei', 'Harry Osei', 'medium', 'operator'],
  ['atanaka', 'Aiko Tanaka', 'medium', 'viewer'],
  ['lfernandez', 'Lucía Fernández', 'low', 'operator'],
  ['ohaddad', 'Omar Haddad', 'medium', 'viewer'],
  ['isolberg', 'Ingrid Solberg', 'low', 'admin'],
  ['pnovak', 'Peter Novák', 'medium', 'viewer'],
  ['mchen', 'Mei Chen', 'medium', 'operator'],
  ['tribeiro', 'Tomás Ribeiro', 'high', 'viewer'],
  ['aschmidt', 'Ana Schmidt', 'medium', 'viewer'],
] as const
const users = people.map(([username, name, risk, role], i) => ({
  id: 501 + i,
  username,
  display_name: name,
  email: `${username}@lab.example`,
  country: pick(['Iceland', 'United Kingdom', 'Ireland', 'Norway'], i),
  risk,
  role,
  disabled: 'false',
}))

const event = (user: number, type: string, amount: number, time: number) => ({
  type,
  amount: amount.toFixed(2),
  user_id: 501 + user,
  time,
})

/** Small deposits and withdrawals of a fortnight, then five reasons for an alert. */
const events = [
  ...range(420).map((i) =>
    event(i % 10, Math.floor(i / 10) % 2 ? 'withdraw' : 'deposit', 4 + ((i * 37) % 23), now - 13 * day + i * 2600),
  ),
  ...range(14).map((i) => event(2, 'deposit', 30 + i * 2, now - 2 * day + i * 400)),
  ...range(4).map((i) => event(7, 'withdraw', 12 + i, now - 6 * 3600 + i * 900)),
  ...range(6).map((i) => event(4, 'deposit', 20 + ((i * 3) % 7), now - 5 * 3600 + i * 6)),
  event(8, 'withdraw', 400, now - 3 * 3600),
  event(1, 'withdraw', 142.5, now - 2 * 3600),
  event(0, 'deposit', 45, now - 1500),
  event(0, 'deposit', 60, now - 1490),
  event(0, 'deposit', 48, now - 1480),
]

const todo = (description: string, status: string, assignee: string | null, due: number | null, links: Row = {}) => ({
  description,
  status,
  assignee,
  due_on: due === null ? null : date(due),
  site_id: null,
  freezer_id: null,
  computer_id: null,
  alert_id: null,
  ...links,
})
const todos = [
  todo('Defrost Minus80 B', 'open', 'ada', -2, { freezer_id: 108 }),
  todo('Ask Jane about her deposits', 'open', 'ada', 0),
  todo('Order nitrogen for both tanks', 'open', 'mchen', 2, { freezer_id: 104 }),
  todo('Label the new racks', 'open', 'hosei', 5, { site_id: 12 }),
  todo('Count cohort 12', 'open', null, 9, { freezer_id: 101 }),
  todo('Replace the door seal', 'doing', 'jmiller', -1, { freezer_id: 113 }),
  todo('Update the plate reader', 'doing', 'lfernandez', 3, { computer_id: 202 }),
  todo('Move cohort 17 to Old Mill', 'doing', 'ada', null, { site_id: 13 }),
  todo('Calibrate the temperature probes', 'waits for parts', 'isolberg', 6, { site_id: 14 }),
  todo('Count cohort 11', 'done', 'hosei', -6, { freezer_id: 101 }),
  todo('Write the delivery note', 'done', 'mchen', -8),
]

/** fillPictureLab stores the laboratory with the import command. */
export function fillPictureLab(server: Server) {
  for (const [table, rows] of Object.entries({ sites, freezers, computers, containers, users, events, todos }))
    importRows(server, table, rows)
}
