import type { QueryClient } from '@tanstack/react-query'

import { scopedName } from '../api/basePath'
import { randomKey } from '../api/idempotencyKey'
import { refreshCustody } from '../checkouts/api'
import { createStore } from '../components/store'
import { toast } from '../components/toast'
import { refreshStocktakes } from '../stocktakes/api'
import { loadEntries, removeEntry, saveEntry } from './entryStorage'
import { describeError, retryDelay, runEntry } from './runEntry'
import { type ScanRecord, ScanQueue } from './ScanQueue'
import type { Place, PlaceRef, ScanAction, ScanEntry, ScanOutcome } from './types'

// The queue of the user who is signed in. It also works while another screen is shown.

const placeKey = scopedName('scan-place')

/** scanPlace is the target of moves: a place, the entry that names it, or undefined. It survives a reload. */
export const scanPlace = createStore<PlaceRef | undefined>(loadPlace())

function loadPlace(): PlaceRef | undefined {
  try {
    const place = JSON.parse(sessionStorage.getItem(placeKey) ?? 'null') as Place | null
    return place ? { place } : undefined
  } catch {
    return undefined
  }
}

/** setScanPlace chooses the target of moves; undefined asks for another one. */
export function setScanPlace(ref: PlaceRef | undefined): void {
  scanPlace.set(ref)
  if (ref && 'place' in ref) sessionStorage.setItem(placeKey, JSON.stringify(ref.place))
  else sessionStorage.removeItem(placeKey)
}

type Listener = (entry: ScanEntry, outcome: ScanOutcome) => void

let listener: Listener | undefined

/** listenToOutcomes calls a function with each outcome, instead of a message about those that are not fine. */
export function listenToOutcomes(onOutcome: Listener): () => void {
  listener = onOutcome
  return () => {
    if (listener === onOutcome) listener = undefined
  }
}

const showOutcome: Listener = (_, { tone, title, what, message }) => {
  if (tone !== 'fine') toast([`${title}: ${what}`, message].filter(Boolean).join('. '), 'error')
}

/** currentQueue is the queue of the user who is signed in, once it was started. */
export const currentQueue = createStore<{ user: string; queue: ScanQueue } | undefined>(undefined)

/** startQueue starts the queue of a user, with the scans that waited when the app was closed. */
export function startQueue(user: string, queryClient: QueryClient): void {
  if (currentQueue.get()?.user === user) return
  stopQueue()
  const queue: ScanQueue = new ScanQueue(
    {
      run: runEntry,
      retryDelay,
      describeError,
      store: { save: saveEntry, remove: removeEntry },
      onOutcome: (entry, outcome) => {
        const { kind } = entry.action
        if (kind === 'place') resolvePlace(queue, entry, outcome)
        if (kind === 'count' || kind === 'undo') void refreshStocktakes(queryClient)
        if (kind === 'checkOut' || kind === 'checkIn' || kind === 'move' || kind === 'undo') refreshCustody(queryClient)
        ;(listener ?? showOutcome)(entry, outcome)
      },
    },
    loadEntries(user),
  )
  currentQueue.set({ user, queue })
  queue.start()
}

addEventListener('online', () => currentQueue.get()?.queue.start())

/** stopQueue ends the work when the user signs out. The waiting scans stay stored until the user signs in again. */
export function stopQueue(): void {
  currentQueue.get()?.queue.stop()
  currentQueue.set(undefined)
}

/** resolvePlace sets the target of the moves that were scanned after it. */
function resolvePlace(queue: ScanQueue, { key }: ScanEntry, { place }: ScanOutcome): void {
  const isNamed = (to: PlaceRef) => 'entryKey' in to && to.entryKey === key
  const ref = scanPlace.get()
  if (ref && isNamed(ref)) setScanPlace(place && { place })
  if (!place) return
  queue.changeEntries((entry) =>
    entry.action.kind === 'move' && isNamed(entry.action.to)
      ? { ...entry, action: { ...entry.action, to: { place } } }
      : entry,
  )
}

let lastTime = 0

/** newEntry returns an entry for a scan of now. Entries of the same ms keep their order. */
export function newEntry(user: string, texts: string[], action: ScanAction): ScanEntry {
  lastTime = Math.max(Date.now(), lastTime + 1)
  return { key: randomKey(), at: lastTime, user, texts, action }
}

/** undoScan reverts a scan, after the scans that wait. */
export function undoScan(queue: ScanQueue, { entry, outcome }: ScanRecord): void {
  if (!outcome?.undo) return
  queue.markUndone(entry.key)
  queue.add(newEntry(entry.user, [], { kind: 'undo', what: outcome.what, request: outcome.undo }))
}
