import { expect, test } from 'vitest'

import { createSseParser } from './sseParser'

const text =
  'retry: 2000\nid: 7.0.x\n\n: heartbeat\n\nid: 8.1.a\nevent: event\ndata: {"a":1}\n\n' +
  'id: 8.2.b\nevent: alert\ndata: {"b":\ndata: 2}\n\n'
const expectedMessages = [
  { id: '7.0.x', kind: 'message', data: '' },
  { id: undefined, kind: 'message', data: '' },
  { id: '8.1.a', kind: 'event', data: '{"a":1}' },
  { id: '8.2.b', kind: 'alert', data: '{"b":\n2}' },
]

test('messages do not depend on the chunk boundaries', () => {
  for (let size = 1; size <= text.length; size++) {
    const parse = createSseParser()
    const messages = []
    for (let i = 0; i < text.length; i += size) messages.push(...parse(text.slice(i, i + size)))
    expect(messages).toEqual(expectedMessages)
  }
})

test('an incomplete message is not returned', () => {
  const parse = createSseParser()
  expect(parse('event: alert\ndata: {}\n')).toEqual([])
  expect(parse('\n')).toEqual([{ id: undefined, kind: 'alert', data: '{}' }])
})
