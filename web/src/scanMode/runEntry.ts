import { api, type Schemas, unwrap } from '../api/client'
import { type Problem, toProblem } from '../api/problem'
import type { RecordedCheckout } from '../checkouts/api'
import { containerTitle } from '../containers/api'
import { countScan } from './countScan'
import { codeOf, fetchWhere, findContainer, findFreezers, type FoundContainer, requestTimeout } from './findScanned'
import type { Place, ScanAction, ScanEntry, ScanOutcome, WriteRequest } from './types'

// What the queue does with an entry. A new mode has an action in types.ts and a function in runners.

const maxAge = 20 * 3_600_000 // ms; the server keeps idempotency keys for a day

/** Run is what a runner works with. */
export interface Run {
  entry: ScanEntry
  /** Sends the write of the entry: what it has sent before, or else this request. */
  send: <T>(request: WriteRequest) => Promise<T>
}

type Runners = { [Kind in ScanAction['kind']]: (action: Extract<ScanAction, { kind: Kind }>, run: Run) => Promise<ScanOutcome> }

/** runEntry handles an entry and returns its outcome. save stores the entry before its write is sent. */
export function runEntry(entry: ScanEntry, save: (entry: ScanEntry) => void): Promise<ScanOutcome> {
  if (Date.now() - entry.at > maxAge) return Promise.resolve(tooOld(entry))
  const send = async <T>(request: WriteRequest): Promise<T> => {
    const sent = entry.request ?? request
    if (!entry.request) save({ ...entry, request: sent })
    const options = {
      params: { header: { 'Idempotency-Key': entry.key } } as never,
      body: sent.body as never,
      signal: AbortSignal.timeout(requestTimeout),
    }
    // The types know the path of an operation, not one with its parameters.
    const call =
      sent.method === 'DELETE'
        ? api.DELETE(sent.path as '/api/v1/stocktakes/{id}/scans/{code}', options)
        : api.POST(sent.path as '/api/v1/checkouts', options)
    return (await unwrap<unknown>(call)) as T
  }
  const run = runners[entry.action.kind] as (action: ScanAction, run: Run) => Promise<ScanOutcome>
  return run(entry.action, { entry, send })
}

const runners: Runners = {
  find: async (_, { entry }) => {
    const container = await findContainer(entry.texts)
    return container ? describeFound(container, await fetchWhere(container.uuid)) : unknown(entry)
  },

  checkOut: async ({ holder, dueOn }, { entry, send }) => {
    const container = await findContainer(entry.texts)
    if (!container) return unknown(entry)
    const body = { container_uuid: container.uuid, ...(holder && { holder }), due_on: dueOn }
    const where = optionalWhere(container)
    return explain(container, 'Not checked out', async () => {
      const checkout = await send<RecordedCheckout>({ path: '/api/v1/checkouts', body })
      return {
        ...describe(container, checkout, 'Checked out'),
        who: checkout.holder,
        dueOn: checkout.due_on ?? undefined,
        where: await where,
        undo: { path: `/api/v1/checkouts/${checkout.id}/return`, body: {} },
      }
    })
  },

  checkIn: async (_, { entry, send }) => {
    const container = await findContainer(entry.texts)
    if (!container) return unknown(entry)
    const where = optionalWhere(container)
    return explain(container, 'Not checked in', async () => {
      const path = `/api/v1/containers/${container.uuid}/return`
      const ended = await send<RecordedCheckout>({ path, body: {} })
      const { container_uuid, holder, due_on, purpose } = ended
      return {
        ...describe(container, ended, 'Checked in'),
        where: await where,
        undo: { path: '/api/v1/checkouts', body: { container_uuid, holder, due_on, purpose } },
      }
    })
  },

  place: async (_, { entry }) => {
    const container = await findContainer(entry.texts)
    if (container) return describePlace(container, await fetchWhere(container.uuid))
    const [freezer, ...others] = await findFreezers(entry.texts)
    if (!freezer) return unknown(entry)
    if (others.length > 0)
      return {
        tone: 'critical',
        title: 'Several freezers',
        what: freezer.name,
        message: `${others.length + 1} freezers have this name. Choose one by its site.`,
      }
    return { tone: 'fine', title: 'Target', what: freezer.name, place: { name: freezer.name, freezer_id: freezer.id } }
  },

  move: async ({ to }, { entry, send }) => {
    if (!('place' in to))
      return { tone: 'critical', title: 'Not moved', what: codeOf(entry), message: 'The target is unknown. Scan it again.' }
    const { name, ...target } = to.place
    const container = await findContainer(entry.texts)
    if (!container) return unknown(entry)
    if (!entry.request && isIn(container, to.place))
      return {
        tone: 'warning',
        title: 'Already there',
        what: containerTitle(container),
        uuid: container.uuid,
        where: await fetchWhere(container.uuid),
      }
    return explain(container, 'Not moved', async () => {
      const body = { to: target, containers: [{ container_uuid: container.uuid }] }
      const { moves } = await send<Schemas['Moves']>({ path: '/api/v1/moves', body })
      const [move] = moves
      return {
        tone: 'fine',
        title: move?.to.position ? `Moved to ${move.to.position}` : 'Moved',
        what: containerTitle(container),
        uuid: container.uuid,
        where: move?.to.path ?? name,
        undo: move && undoMove(container.uuid, move.from),
      }
    })
  },

  count: ({ stocktake }, run) => countScan(stocktake, run),

  undo: async ({ what, request }, { send }) => {
    await send(request)
    return { tone: 'fine', title: 'Undone', what }
  },
}

const unknown = (entry: ScanEntry): ScanOutcome => ({
  tone: 'critical',
  title: 'Unknown code',
  what: codeOf(entry),
  unknownCode: codeOf(entry),
})

const tooOld = (entry: ScanEntry): ScanOutcome => ({
  tone: 'critical',
  title: 'Not sent',
  what: codeOf(entry),
  message: 'This scan waited for too long. Scan it again.',
})

const optionalWhere = (container: FoundContainer): Promise<string | undefined> =>
  fetchWhere(container.uuid).catch(() => container.freezer_name)

function describe(container: FoundContainer, { alert }: RecordedCheckout, title: string): ScanOutcome {
  return {
    tone: alert ? 'warning' : 'fine',
    title,
    what: containerTitle(container),
    uuid: container.uuid,
    message: alert ? 'It raised an alert.' : undefined,
  }
}

const foundTitles: Record<string, Pick<ScanOutcome, 'tone' | 'title'>> = {
  stored: { tone: 'fine', title: 'In place' },
  checked_out: { tone: 'warning', title: 'Checked out' },
  missing: { tone: 'critical', title: 'Marked as missing' },
  discarded: { tone: 'critical', title: 'Discarded' },
}

function describeFound(container: FoundContainer, where: string): ScanOutcome {
  const { status, status_reason, holder, held_since, due_on } = container
  return {
    ...(foundTitles[status] ?? { tone: 'warning', title: status }),
    what: containerTitle(container),
    uuid: container.uuid,
    where: status === 'discarded' ? undefined : where,
    who: holder ?? undefined,
    since: held_since ?? undefined,
    dueOn: due_on ?? undefined,
    message: status_reason ?? undefined,
  }
}

function describePlace(container: FoundContainer, where: string): ScanOutcome {
  const { uuid, rows, capacity, kind } = container
  const name = containerTitle(container)
  const base = { what: name, uuid, where }
  if (kind === 'tube' && rows === null && capacity === null)
    return { ...base, tone: 'critical', title: 'Not a target', message: 'A tube holds no other containers.' }
  const message = rows === null ? 'It has no positions.' : undefined
  return { ...base, tone: 'fine', title: 'Target', message, place: { name, container_uuid: uuid } }
}

const isIn = ({ parent_uuid, freezer_id }: FoundContainer, { container_uuid, freezer_id: target }: Place): boolean =>
  container_uuid ? parent_uuid === container_uuid : parent_uuid === null && freezer_id === target

function undoMove(uuid: string, from: Schemas['Moves']['moves'][number]['from']): WriteRequest {
  const to = from.parent_uuid ? { container_uuid: from.parent_uuid } : { freezer_id: from.freezer_id }
  return {
    path: '/api/v1/moves',
    body: { to, containers: [{ container_uuid: uuid, position: from.position }] },
  }
}

/** explain returns the outcome of a write, or why the server rejected it, with the name of the container. */
async function explain(
  container: FoundContainer,
  title: string,
  write: () => Promise<ScanOutcome>,
): Promise<ScanOutcome> {
  try {
    return await write()
  } catch (error) {
    if (isRetryable(error)) throw error
    return { ...describeRejection(title, toProblem(error)), what: containerTitle(container), uuid: container.uuid }
  }
}

/** describeError returns the outcome of an entry that failed for good. */
export const describeError = (entry: ScanEntry, error: unknown): ScanOutcome => ({
  ...describeRejection('Not done', toProblem(error)),
  what: codeOf(entry),
})

const describeRejection = (title: string, { status, message }: Problem) =>
  ({ tone: status === 409 ? 'warning' : 'critical', title, message }) as const

const maxRetryDelay = 5_000 // ms

/** isRetryable reports whether an entry can succeed later: there is no network, no session, or a twin is in flight. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof DOMException && ['TimeoutError', 'AbortError'].includes(error.name)) return true
  const { isTransient, status, type } = toProblem(error)
  return isTransient || status === 401 || status === 408 || type === '/problems/idempotency-key-in-flight'
}

/** retryDelay returns the ms until the next attempt of an entry, or undefined if the error is final. */
export function retryDelay(error: unknown, attempt: number): number | undefined {
  if (!isRetryable(error)) return undefined
  const { retryAfter } = toProblem(error)
  return retryAfter === undefined ? Math.min(500 * 2 ** attempt, maxRetryDelay) : retryAfter * 1000
}
