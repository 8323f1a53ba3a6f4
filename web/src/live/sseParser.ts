/** SseMessage is one message of an event stream. */
export interface SseMessage {
  id: string | undefined
  kind: string
  data: string
}

/**
 * createSseParser returns an incremental parser of Server-Sent Events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). Chunks may end anywhere in a message.
 */
export function createSseParser(): (chunk: string) => SseMessage[] {
  let remainder = ''
  return (chunk) => {
    const blocks = (remainder + chunk).split('\n\n')
    remainder = blocks.pop() ?? ''
    return blocks.map(parseMessage)
  }
}

function parseMessage(block: string): SseMessage {
  const message: SseMessage = { id: undefined, kind: 'message', data: '' }
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'id') message.id = value
    else if (name === 'event') message.kind = value
    else if (name === 'data') data.push(value)
  }
  message.data = data.join('\n')
  return message
}
