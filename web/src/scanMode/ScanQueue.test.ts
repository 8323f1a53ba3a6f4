import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))

const { ScanQueue } = await import('./ScanQueue')
const { hasStoredEntries, loadEntries, parseEntry, removeEntry, saveEntry } = await import('./entryStorage')
const { formatWhere } = await import('./findScanned')
const { isRetryable, retryDelay } = await import('./runEntry')
const { Problem } = await import('../api/problem')

import type { ScanEntry, ScanOutcome } from './types'

const entry = (key: string, at: number, user = 'olga'): ScanEntry => ({
  key,
  at,
  user,
  texts: [`code ${key}`],
  action: { kind: 'checkIn' },
})
const done = (what: string): ScanOutcome => ({ tone: 'fine', title: 'Checked in', what })

/** MemoryStorage is a localStorage that lives as long as a test. */
class MemoryStorage {
  private readonly items = new Map<string, string>()
  get length() {
    return this.items.size
  }
  key = (i: number) => [...this.items.keys()][i] ?? null
  getItem = (name: string) => this.items.get(name) ?? null
  setItem = (name: string, value: string) => void this.items.set(name, value)
  removeItem = (name: string) => void this.items.delete(name)
}

/** createQueue returns a queue whose server fails as long as failures has keys, and what the server has seen. */
function createQueue(stored: ScanEntry[] = []) {
  const storage = new MemoryStorage()
  for (const item of stored) saveEntry(item, storage)
  const attempts: string[] = []
  const outcomes: string[] = []
  const server = { isDown: false }
  const queue = new ScanQueue(
    {
      run: async (item, save) => {
        save({ ...item, request: { path: '/api/v1/checkouts', body: { code: item.key } } })
        attempts.push(item.key)
        await Promise.resolve()
        if (server.isDown) throw Problem.unreachable()
        if (item.key === 'bad') throw new Problem({ status: 403, detail: 'Not permitted.' })
        return done(item.key)
      },
      retryDelay: (error) => (isRetryable(error) ? 60_000 : undefined),
      describeError: ({ key }) => ({ tone: 'critical', title: 'Not done', what: key }),
      onOutcome: ({ key }, { tone }) => outcomes.push(`${key} ${tone}`),
      store: { save: (item) => saveEntry(item, storage), remove: (item) => removeEntry(item, storage) },
    },
    loadEntries('olga', storage),
  )
  return { queue, storage, attempts, outcomes, server }
}

test('scans are handled in order, also after one that failed', async () => {
  const { queue, outcomes, storage } = createQueue()
  for (const [i, key] of ['a', 'bad', 'c'].entries()) queue.add(entry(key, i))
  await vi.waitFor(() => expect(outcomes).toEqual(['a fine', 'bad critical', 'c fine']))
  expect(queue.records.get().map((record) => record.entry.key)).toEqual(['c', 'bad', 'a'])
  await vi.waitFor(() => expect(hasStoredEntries(storage)).toBe(false))
})

test('scans wait for the network, and the first is sent again with its key', async () => {
  const { queue, attempts, outcomes, server, storage } = createQueue()
  server.isDown = true
  for (const [i, key] of ['a', 'b', 'c'].entries()) queue.add(entry(key, i))
  await vi.waitFor(() => expect(queue.isWaiting.get()).toBe(true))
  expect(new Set(attempts)).toEqual(new Set(['a']))
  expect(loadEntries('olga', storage).map(({ key, request }) => [key, request !== undefined])).toEqual([
    ['a', true],
    ['b', false],
    ['c', false],
  ])
  server.isDown = false
  queue.start()
  await vi.waitFor(() => expect(outcomes).toEqual(['a fine', 'b fine', 'c fine']))
  expect(queue.isWaiting.get()).toBe(false)
  expect(hasStoredEntries(storage)).toBe(false)
})

test('a queue continues with the stored scans of its user, oldest first', async () => {
  const { queue, outcomes, storage } = createQueue([entry('b', 2), entry('x', 3, 'vera'), entry('a', 1)])
  queue.start()
  await vi.waitFor(() => expect(outcomes).toEqual(['a fine', 'b fine']))
  expect(loadEntries('vera', storage).map(({ key }) => key)).toEqual(['x'])
})

test('a stopped queue keeps its scans', async () => {
  const { queue, outcomes, server, storage } = createQueue()
  server.isDown = true
  queue.add(entry('a', 1))
  await vi.waitFor(() => expect(queue.isWaiting.get()).toBe(true))
  server.isDown = false
  queue.stop()
  await new Promise((resolve) => setTimeout(resolve))
  expect(outcomes).toEqual([])
  expect(loadEntries('olga', storage)).toHaveLength(1)
})

test('waiting scans are changed, handled ones are not', async () => {
  const { queue, server } = createQueue()
  queue.add(entry('a', 1))
  await vi.waitFor(() => expect(queue.waitingEntries()).toEqual([]))
  server.isDown = true
  queue.add(entry('b', 2))
  await vi.waitFor(() => expect(queue.isWaiting.get()).toBe(true))
  queue.changeEntries((item) => ({ ...item, action: { kind: 'find' } }))
  expect(queue.records.get().map((record) => record.entry.action.kind)).toEqual(['find', 'checkIn'])
  queue.stop()
})

test.each([null, '', '{', 'null', '[]', '{"key":"a"}', '{"key":"a","at":1,"user":"","texts":[1],"action":{"kind":"find"}}'])(
  'the stored text %j is no entry',
  (text) => expect(parseEntry(text)).toBeUndefined(),
)

test('a stored entry is read as it was', () => expect(parseEntry(JSON.stringify(entry('a', 1)))).toEqual(entry('a', 1)))

test.each([
  [Problem.unreachable(), 0, 500],
  [Problem.unreachable(), 3, 4000],
  [Problem.unreachable(), 20, 5000],
  [new Problem({ status: 429, detail: '' }, 7), 0, 7000],
  [new Problem({ status: 401, detail: '' }), 0, 500],
  [new Problem({ status: 409, type: '/problems/idempotency-key-in-flight', detail: '' }), 0, 500],
  [new DOMException('', 'TimeoutError'), 0, 500],
  [new Problem({ status: 409, type: '/problems/conflict', detail: '' }), 0, undefined],
  [new Problem({ status: 400, detail: '' }), 0, undefined],
  [new TypeError('a defect'), 0, undefined],
])('%s in attempt %i is repeated after %s ms', (error, attempt, delay) =>
  expect(retryDelay(error, attempt)).toBe(delay),
)

const step = (uuid: string, description: string | null, position: string | null = null) => ({
  uuid,
  description,
  barcode: uuid === '2' ? 'LL-2' : null,
  position,
})
test.each([
  [[step('1', 'Tube 1')], 'Minus80-B2'],
  [[step('1', 'Rack 3'), step('2', ' '), step('3', 'Tube 1', 'B4')], 'Minus80-B2 › Rack 3 › LL-2, B4'],
])('the way %j is %s', (path, text) => expect(formatWhere({ freezer_name: 'Minus80-B2', path })).toBe(text))
