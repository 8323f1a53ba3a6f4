/** A Frame is one message of an event stream. */
export interface Frame {
  id: string | undefined
  kind: string
  data: string
}

/** frames reads Server-Sent Events, https://html.spec.whatwg.org/multipage/server-sent-events.html, out of pieces of text that may end anywhere. */
export function frames(): (piece: string) => Frame[] {
  let rest = ''
  return (piece) => {
    const blocks = (rest + piece).split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.map(frame)
  }
}

function frame(block: string): Frame {
  const found: Frame = { id: undefined, kind: 'message', data: '' }
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'id') found.id = value
    else if (name === 'event') found.kind = value
    else if (name === 'data') data.push(value)
  }
  found.data = data.join('\n')
  return found
}
