import type { Schemas } from '../api/client'
import { Problem } from '../api/problem'
import { send } from '../api/authFetch'
import { frames } from './sseParser'
import { pause } from './delay'

// The live stream of events and alerts. All tabs of a browser share one connection, since a browser opens six to a server and no more: the tab that
// holds the lock reads it and tells the others. It is read by fetch and not by EventSource, which shows neither the heartbeat, by which a dead connection is
// known, nor the status of a refusal, by which one is renewed that only needs a new cookie.

export type LiveMessage = { kind: 'event'; row: Schemas['Event'] } | { kind: 'alert'; row: Schemas['Alert'] }

/** live: all that happens is heard. late: there is no stream, and lists are read anew now and then. */
export type LiveState = 'connecting' | 'live' | 'late'

/** What the reading tab tells the others. */
type News = { messages?: LiveMessage[]; at?: string | undefined; state?: LiveState; gap?: boolean; asks?: boolean }

const silence = 40_000 // ms; the server shows a sign of life every 15 s
const firstWait = 1_000
const longestWait = 30_000

export interface LiveListener {
  messages: (messages: LiveMessage[]) => void
  state: (state: LiveState) => void
  /** Something may have been missed: what is shown should be read anew. */
  gap: () => void
}

/** follow follows the stream until it is stopped. */
export function follow(listener: LiveListener): () => void {
  const stop = new AbortController()
  const others = new BroadcastChannel('labledger.live')
  let at: string | undefined // position of the last message that was seen, here or in the tab that read before
  let heard = Date.now()
  let state: LiveState | undefined // while this tab reads

  const hear = (news: News) => {
    heard = Date.now()
    if (news.at) at = news.at
    if (news.state) listener.state(news.state)
    if (news.gap) listener.gap()
    if (news.messages?.length) listener.messages(news.messages)
  }
  const tell = (news: News) => {
    state = news.state ?? state
    hear(news)
    others.postMessage(news)
  }
  others.onmessage = ({ data }: MessageEvent<News>) => {
    if (!data.asks) hear(data)
    else if (state) others.postMessage({ state, at })
  }
  others.postMessage({ asks: true }) // a tab that has just come: how does it go?
  const watchdog = setInterval(() => {
    if (Date.now() - heard > 2 * silence) listener.state('late') // the tab that reads sleeps
  }, silence)

  const lead = async () => {
    let wait = firstWait
    let missed = false // a stream has ended, and what came since is not known
    while (!stop.signal.aborted) {
      try {
        await read(at, stop.signal, (news) => {
          wait = firstWait
          tell(missed ? { ...news, gap: true } : news)
          missed = false
        })
      } catch (thrown) {
        if (thrown instanceof Problem && thrown.status === 400) at = undefined // the position is of another database, as after a restore
        if (thrown instanceof Problem && thrown.status === 401) return // nobody is signed in
      }
      if (stop.signal.aborted) return
      missed = true
      tell({ state: 'late' })
      await pause(wait * (0.75 + Math.random() / 2), stop.signal)
      wait = Math.min(2 * wait, longestWait)
    }
  }
  const leading = navigator.locks ? navigator.locks.request('labledger.live', { signal: stop.signal }, lead) : lead()
  void leading.catch(() => {}) // stopped while it waited for its turn

  return () => {
    stop.abort()
    clearInterval(watchdog)
    others.close()
  }
}

/** read opens the stream once and reads it until it ends, or is silent for too long. */
async function read(at: string | undefined, stopped: AbortSignal, tell: (news: News) => void) {
  const dead = new AbortController()
  const signal = AbortSignal.any([stopped, dead.signal])
  let timer = setTimeout(() => dead.abort(), silence)
  try {
    const headers: HeadersInit = { Accept: 'text/event-stream', ...(at && { 'Last-Event-ID': at }) }
    const response = await send(new Request('/api/v1/stream', { headers, signal, cache: 'no-store' }))
    if (!response.ok || !response.body) throw Problem.of(response, await response.json().catch(() => undefined))
    const parse = frames()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => dead.abort(), silence)
      const found = parse(value)
      const messages = found.filter(({ data }) => data !== '').map(({ kind, data }) => ({ kind, row: JSON.parse(data) }) as LiveMessage)
      tell({ messages, at: found.findLast(({ id }) => id)?.id, state: 'live' })
    }
  } finally {
    clearTimeout(timer)
  }
}
