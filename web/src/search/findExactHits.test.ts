import { expect, test } from 'vitest'

import type { EntityKind, SearchHit } from './api'
import { findExactHits } from './findExactHits'

const hit = (key: string, title: string) => ({ key, title, kind: 'x', detail: '' }) as unknown as SearchHit

test.each<[text: string, kind: EntityKind, keys: string[]]>([
  ['7', 'freezer', ['7']],
  ['Kjøl', 'freezer', ['1']],
  ['  kjøl ', 'freezer', ['1']],
  ['ZOE', 'freezer', ['2']],
  ['Zoe\u0301', 'freezer', ['2']],
  ['Twin', 'freezer', ['3', '7']],
  ['Twi', 'freezer', []],
  ['0200.0000.0110', 'freezer', []],
])('%s names the %s %j', (text, kind, keys) => {
  const hits = [hit('1', 'Kjøl'), hit('2', 'Zoé'), hit('3', 'twin'), hit('7', 'Twin')]
  expect(findExactHits(text, kind, hits).map(({ key }) => key)).toEqual(keys)
})

test.each<[text: string, kind: EntityKind, isExact: boolean]>([
  ['02:00:00:00:01:1A', 'computer', true],
  ['0200.0000.011a', 'computer', true],
  ['02-00-00-00-01-1a', 'computer', true],
  ['02000000011a', 'computer', true],
  ['02:00:00:00:01', 'computer', false],
  ['02:00:00:00:01:1g', 'computer', false],
  ['{6F9619FF-8B86-D011-B42D-00C04FC964FF}', 'container', true],
  ['urn:uuid:6f9619ff8b86d011b42d00c04fc964ff', 'container', true],
  ['6f9619ff-8b86', 'container', false],
])('%s names a %s: %s', (text, kind, isExact) => {
  expect(findExactHits(text, kind, [hit('9', 'Any')])).toHaveLength(isExact ? 1 : 0)
})
