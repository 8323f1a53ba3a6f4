import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

import { createStore, useStore } from '../components/store'
import { followStream, type LiveMessage, type LiveState } from './stream'

// Applies messages of the stream to the query cache. Lists of events and alerts, and the summary, are invalidated at most
// once per second, the query of a single alert at once.

const liveState = createStore<LiveState>('connecting')
const listeners = new Set<(messages: LiveMessage[]) => void>()

const refreshDelay = 1_000 // ms; messages within this time cause one refresh of the lists
const pollInterval = 15_000 // ms between refreshes while there is no stream

/** useLiveState returns the state of the live connection. */
export function useLiveState(): LiveState {
  return useStore(liveState)
}

/**
 * subscribeToLive calls listener with each batch of messages, for screens that show single messages. It returns a
 * function that unsubscribes.
 */
export function subscribeToLive(listener: (messages: LiveMessage[]) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/**
 * useLiveUpdates keeps the query cache up to date while isActive is true, that is while a user is signed in. Only the
 * shell calls it.
 */
export function useLiveUpdates(isActive: boolean) {
  const queryClient = useQueryClient()
  useEffect(() => (isActive ? startLiveUpdates(queryClient) : undefined), [isActive, queryClient])
}

/**
 * queryKeyByKind maps a kind of message to the first part of the query keys that it invalidates. Keys of lists start
 * with the plural noun, keys of single rows with the singular.
 */
const queryKeyByKind = { event: 'events', alert: 'alerts' } as const

/** summaryKey is the key of the summary, which counts the rows of all lists. */
const summaryKey = 'summary'

/**
 * pollKeys are refreshed while the stream is down. They include the event feed, which merges messages itself and is
 * fetched again only when it may have missed some.
 */
const pollKeys = [...Object.values(queryKeyByKind), 'feed', summaryKey]

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
    if (liveState.get() === 'late') pollKeys.forEach(markStale)
  }, pollInterval)
  const unsubscribe = followStream({
    onMessages: (messages) => {
      for (const { kind, row } of messages) {
        markStale(queryKeyByKind[kind])
        markStale(summaryKey)
        // The row of a list has fewer fields than a single alert, so the alert must be fetched again.
        if (kind === 'alert') void queryClient.invalidateQueries({ queryKey: ['alert', row.id] })
      }
      for (const listener of listeners) listener(messages)
    },
    onState: (nextState) => {
      if (nextState === liveState.get()) return
      // Earlier responses may lack events that came before the stream opened.
      if (liveState.get() === 'connecting' && nextState === 'live') pollKeys.forEach(markStale)
      liveState.set(nextState)
    },
    onGap: () => void queryClient.invalidateQueries(), // includes queries that failed while offline
  })
  return () => {
    unsubscribe()
    clearInterval(pollTimer)
    clearTimeout(refreshTimer)
    liveState.set('connecting')
  }
}
