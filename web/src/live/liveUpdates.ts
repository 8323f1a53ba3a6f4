import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { createStore, useStore } from '../components/store'
import { followStream, type LiveMessage, type LiveState } from './stream'

// What the stream tells goes into what was read: lists of events and alerts are read anew, at most once a second; a shown alert changes at once.

const liveState = createStore<LiveState>('connecting')
const listeners = new Set<(messages: LiveMessage[]) => void>()

const refreshDelay = 1_000 // ms in which messages are gathered before lists are read anew
const pollInterval = 15_000 // ms between reading anew while there is no stream

/** useLiveState is how well one hears. */
export function useLiveState(): LiveState {
  return useStore(liveState)
}

/** subscribeToLive hears every message itself, for a screen that shows them one by one. It returns how to stop. */
export function subscribeToLive(listener: (messages: LiveMessage[]) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** useLiveUpdates keeps what was read fresh while somebody is signed in; the shell calls it once. */
export function useLiveUpdates(isActive: boolean) {
  const queryClient = useQueryClient()
  useEffect(() => (isActive ? startLiveUpdates(queryClient) : undefined), [isActive, queryClient])
}

/** queryKeyByKind are the beginnings of the query keys that a kind of message makes old. Keys of lists begin with the noun in the plural, of one row with the singular. */
const queryKeyByKind = { event: 'events', alert: 'alerts' } as const

/** staleableKeys are those, and the feed of events, which takes messages in itself and is read anew only when it may have missed some. */
const staleableKeys = [...Object.values(queryKeyByKind), 'feed']

function startLiveUpdates(queryClient: QueryClient): () => void {
  const staleKeys = new Set<string>()
  let refreshTimer: ReturnType<typeof setTimeout> | undefined
  const refresh = () => {
    refreshTimer = undefined
    for (const key of staleKeys) void queryClient.invalidateQueries({ queryKey: [key] })
    staleKeys.clear()
  }
  const markStale = (key: string) => {
    staleKeys.add(key)
    refreshTimer ??= setTimeout(refresh, refreshDelay)
  }
  const pollTimer = setInterval(() => {
    if (liveState.get() === 'late') staleableKeys.forEach(markStale)
  }, pollInterval)
  const unsubscribe = followStream({
    onMessages: (messages) => {
      for (const { kind, row } of messages) {
        markStale(queryKeyByKind[kind])
        // A list's row does not explain itself as the alert alone does, so that is read anew.
        if (kind === 'alert') void queryClient.invalidateQueries({ queryKey: ['alert', row.id] })
      }
      for (const listener of listeners) listener(messages)
    },
    onState: (nextState) => {
      if (nextState === liveState.get()) return
      if (liveState.get() === 'connecting' && nextState === 'live') staleableKeys.forEach(markStale) // what was read before may lack what came until now
      liveState.set(nextState)
    },
    onGap: () => void queryClient.invalidateQueries(), // also what had failed while there was no connection
  })
  return () => {
    unsubscribe()
    clearInterval(pollTimer)
    clearTimeout(refreshTimer)
    liveState.set('connecting')
  }
}
