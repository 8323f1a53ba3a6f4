import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { store, useStore } from '../components/store'
import { follow, type LiveMessage, type LiveState } from './stream'

// What the stream tells goes into what was read: lists of events and alerts are read anew, at most once a second; a shown alert changes at once.

const state = store<LiveState>('connecting')
const listeners = new Set<(messages: LiveMessage[]) => void>()

const together = 1_000 // ms in which messages are gathered before lists are read anew
const every = 15_000 // ms between reading anew while there is no stream

/** useLiveState is how well one hears. */
export function useLiveState(): LiveState {
  return useStore(state)
}

/** onLive hears every message itself, for a screen that shows them one by one. It returns how to stop. */
export function onLive(listener: (messages: LiveMessage[]) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** useLiveCaches keeps what was read fresh while somebody is signed in; the shell calls it once. */
export function useLiveCaches(active: boolean) {
  const queryClient = useQueryClient()
  useEffect(() => (active ? keepFresh(queryClient) : undefined), [active, queryClient])
}

/** keys are the beginnings of the query keys that a kind of message makes old. Keys of lists begin with the noun in the plural, of one row with the singular. */
const keys = { event: 'events', alert: 'alerts' } as const

/** all are those, and the feed of events, which takes messages in itself and is read anew only when it may have missed some. */
const all = [...Object.values(keys), 'feed']

function keepFresh(queryClient: QueryClient): () => void {
  const old = new Set<string>()
  let later: ReturnType<typeof setTimeout> | undefined
  const refresh = () => {
    later = undefined
    for (const key of old) void queryClient.invalidateQueries({ queryKey: [key] })
    old.clear()
  }
  const age = (key: string) => {
    old.add(key)
    later ??= setTimeout(refresh, together)
  }
  const polling = setInterval(() => {
    if (state.get() === 'late') all.forEach(age)
  }, every)
  const stop = follow({
    messages: (messages) => {
      for (const { kind, row } of messages) {
        age(keys[kind])
        // A list's row does not explain itself as the alert alone does, so that is read anew.
        if (kind === 'alert') void queryClient.invalidateQueries({ queryKey: ['alert', row.id] })
      }
      for (const listener of listeners) listener(messages)
    },
    state: (next) => {
      if (next === state.get()) return
      if (state.get() === 'connecting' && next === 'live') all.forEach(age) // what was read before may lack what came until now
      state.set(next)
    },
    gap: () => void queryClient.invalidateQueries(), // also what had failed while there was no connection
  })
  return () => {
    stop()
    clearInterval(polling)
    clearTimeout(later)
    state.set('connecting')
  }
}
