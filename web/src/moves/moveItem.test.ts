import { expect, test } from 'vitest'

import { moveItem } from './moveItem'

test.each([
  [2, 1, 'acb'],
  [0, 2, 'bca'],
  [1, 1, 'abc'],
])('from %d to %d', (from, to, expected) => expect(moveItem(['a', 'b', 'c'], from, to).join('')).toBe(expected))
