import { createParser, type EventSourceMessage } from 'eventsource-parser'

import { authFetch } from '../api/authFetch'
import { basePath, scopedName } from '../api/basePath'
import type { Schemas } from '../api/client'
import { Problem } from '../api/problem'
import { delay } from './delay'

// The live stream of events and alerts. All tabs of a browser share one connection, because browsers open at most six
// connections per server. The tab that holds the lock (the leader) reads the stream and broadcasts it to the other
// tabs. The stream is read with fetch, not EventSource: EventSource hides heartbeats, which are needed to detect a dead
// connection, and the status of an error response, which is needed to renew an expired session.

export type LiveMessage = { kind: 'event'; row: Schemas['Event'] } | { kind: 'alert'; row: Schemas['Alert'] }

/** LiveState is the state of the stream. late: the stream is down, and lists are polled. */
export type LiveState = 'connecting' | 'live' | 'late'

/** TabMessage is a message between tabs: an update of the leader, or a request for its state. */
type TabMessage = {
  messages?: LiveMessage[]
  lastEventId?: string | undefined
  state?: LiveState
  gap?: boolean
  isRequest?: boolean
}

const silenceTimeout = 40_000 // ms; the server sends a heartbeat every 15 s
const minRetryDelay = 1_000 // ms
const maxRetryDelay = 30_000 // ms

export interface LiveListener {
  onMessages: (messages: LiveMessage[]) => void
  onState: (state: LiveState) => void
  /** Messages may have been missed: everything shown must be fetched again. */
  onGap: () => void
}

/** followStream follows the stream until the returned function is called. */
export function followStream(listener: LiveListener): () => void {
  const controller = new AbortController()
  const channel = new BroadcastChannel(scopedName('live'))
  let lastEventId: string | undefined // ID of the last message received by any tab
  let lastReceivedAt = Date.now()
  let state: LiveState | undefined // set while this tab is the leader

  const receive = (message: TabMessage) => {
    lastReceivedAt = Date.now()
    if (message.lastEventId) lastEventId = message.lastEventId
    if (message.state) listener.onState(message.state)
    if (message.gap) listener.onGap()
    if (message.messages?.length) listener.onMessages(message.messages)
  }
  const broadcast = (message: TabMessage) => {
    state = message.state ?? state
    receive(message)
    channel.postMessage(message)
  }
  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
    if (!data.isRequest) receive(data)
    else if (state) channel.postMessage({ state, lastEventId })
  }
  channel.postMessage({ isRequest: true }) // ask the leader for the current state
  const watchdog = setInterval(() => {
    if (Date.now() - lastReceivedAt > 2 * silenceTimeout) listener.onState('late') // the leader is suspended
  }, silenceTimeout)

  const runLeader = async () => {
    let retryDelay = minRetryDelay
    let hasGap = false // true after a stream has ended: messages since then may be missing
    while (!controller.signal.aborted) {
      try {
        await readStream(lastEventId, controller.signal, (message) => {
          retryDelay = minRetryDelay
          broadcast(hasGap ? { ...message, gap: true } : message)
          hasGap = false
        })
      } catch (error) {
        // The ID belongs to another database, for example after a restore.
        if (error instanceof Problem && error.status === 400) lastEventId = undefined
        if (error instanceof Problem && error.status === 401) return // signed out
      }
      if (controller.signal.aborted) return
      hasGap = true
      broadcast({ state: 'late' })
      await delay(retryDelay * (0.75 + Math.random() / 2), controller.signal)
      retryDelay = Math.min(2 * retryDelay, maxRetryDelay)
    }
  }
  const leader = navigator.locks
    ? navigator.locks.request(scopedName('live'), { signal: controller.signal }, runLeader)
    : runLeader()
  void leader.catch(() => {}) // aborted while waiting for the lock

  return () => {
    controller.abort()
    clearInterval(watchdog)
    channel.close()
  }
}

/** readStream opens the stream once and reads it until it ends or is silent for longer than silenceTimeout. */
async function readStream(
  lastEventId: string | undefined,
  stopSignal: AbortSignal,
  onMessage: (message: TabMessage) => void,
) {
  const silenceController = new AbortController()
  const signal = AbortSignal.any([stopSignal, silenceController.signal])
  let timer = setTimeout(() => silenceController.abort(), silenceTimeout)
  try {
    const headers: HeadersInit = { Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) }
    const response = await authFetch(new Request(`${basePath}/api/v1/stream`, { headers, signal, cache: 'no-store' }))
    if (!response.ok || !response.body)
      throw Problem.fromResponse(response, await response.json().catch(() => undefined))
    let received: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (message) => received.push(message) })
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silenceController.abort(), silenceTimeout)
      parser.feed(value)
      const messages = received.map(({ event, data }) => ({ kind: event, row: JSON.parse(data) }) as LiveMessage)
      onMessage({ messages, lastEventId: received.at(-1)?.id, state: 'live' })
      received = []
    }
  } finally {
    clearTimeout(timer)
  }
}
