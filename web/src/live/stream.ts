import { authFetch } from '../api/authFetch'
import type { Schemas } from '../api/client'
import { Problem } from '../api/problem'
import { delay } from './delay'
import { createSseParser } from './sseParser'

// The live stream of events and alerts. All tabs of a browser share one connection, since a browser opens six to a server and no more: the tab that
// holds the lock reads it and tells the others. It is read by fetch and not by EventSource, which shows neither the heartbeat, by which a dead connection is
// known, nor the status of a refusal, by which one is renewed that only needs a new cookie.

export type LiveMessage = { kind: 'event'; row: Schemas['Event'] } | { kind: 'alert'; row: Schemas['Alert'] }

/** live: all that happens is heard. late: there is no stream, and lists are read anew now and then. */
export type LiveState = 'connecting' | 'live' | 'late'

/** What the reading tab tells the others. */
type TabMessage = { messages?: LiveMessage[]; lastEventId?: string | undefined; state?: LiveState; gap?: boolean; isRequest?: boolean }

const silenceTimeout = 40_000 // ms; the server shows a sign of life every 15 s
const minRetryDelay = 1_000
const maxRetryDelay = 30_000

export interface LiveListener {
  onMessages: (messages: LiveMessage[]) => void
  onState: (state: LiveState) => void
  /** Something may have been missed: what is shown should be read anew. */
  onGap: () => void
}

/** followStream follows the stream until it is stopped. */
export function followStream(listener: LiveListener): () => void {
  const controller = new AbortController()
  const channel = new BroadcastChannel('labledger.live')
  let lastEventId: string | undefined // position of the last message that was seen, here or in the tab that read before
  let lastReceivedAt = Date.now()
  let state: LiveState | undefined // while this tab reads

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
  channel.postMessage({ isRequest: true }) // a tab that has just come: how does it go?
  const watchdog = setInterval(() => {
    if (Date.now() - lastReceivedAt > 2 * silenceTimeout) listener.onState('late') // the tab that reads sleeps
  }, silenceTimeout)

  const runLeader = async () => {
    let retryDelay = minRetryDelay
    let hasGap = false // a stream has ended, and what came since is not known
    while (!controller.signal.aborted) {
      try {
        await readStream(lastEventId, controller.signal, (message) => {
          retryDelay = minRetryDelay
          broadcast(hasGap ? { ...message, gap: true } : message)
          hasGap = false
        })
      } catch (error) {
        if (error instanceof Problem && error.status === 400) lastEventId = undefined // the position is of another database, as after a restore
        if (error instanceof Problem && error.status === 401) return // nobody is signed in
      }
      if (controller.signal.aborted) return
      hasGap = true
      broadcast({ state: 'late' })
      await delay(retryDelay * (0.75 + Math.random() / 2), controller.signal)
      retryDelay = Math.min(2 * retryDelay, maxRetryDelay)
    }
  }
  const leader = navigator.locks ? navigator.locks.request('labledger.live', { signal: controller.signal }, runLeader) : runLeader()
  void leader.catch(() => {}) // stopped while it waited for its turn

  return () => {
    controller.abort()
    clearInterval(watchdog)
    channel.close()
  }
}

/** readStream opens the stream once and reads it until it ends, or is silent for too long. */
async function readStream(lastEventId: string | undefined, stopSignal: AbortSignal, onMessage: (message: TabMessage) => void) {
  const silenceController = new AbortController()
  const signal = AbortSignal.any([stopSignal, silenceController.signal])
  let timer = setTimeout(() => silenceController.abort(), silenceTimeout)
  try {
    const headers: HeadersInit = { Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) }
    const response = await authFetch(new Request('/api/v1/stream', { headers, signal, cache: 'no-store' }))
    if (!response.ok || !response.body) throw Problem.fromResponse(response, await response.json().catch(() => undefined))
    const parseChunk = createSseParser()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silenceController.abort(), silenceTimeout)
      const frames = parseChunk(value)
      const messages = frames.filter(({ data }) => data !== '').map(({ kind, data }) => ({ kind, row: JSON.parse(data) }) as LiveMessage)
      onMessage({ messages, lastEventId: frames.findLast(({ id }) => id)?.id, state: 'live' })
    }
  } finally {
    clearTimeout(timer)
  }
}
