import { expect, test } from 'vitest'

import { pastePositions } from './pastePositions'

const items = ['a', 'b', 'c'].map((uuid) => ({ uuid, title: uuid }))

test.each([
  ['A1', undefined],
  ['A1\n', undefined],
  ['A1\r\n B2 \t taken\r\n', { a: 'A1', b: 'B2' }],
  ['A1\n\nC3\nD4', { a: 'A1', b: '', c: 'C3' }],
])('%j', (text, expected) => expect(pastePositions(text, items)).toEqual(expected))
