import { describe, expect, test } from 'vitest'

import { Burst } from './useScanner'
import { uuidIn } from './uuid'

const uuid = '123e4567-e89b-12d3-a456-426614174000'

test.each([
  [uuid, uuid],
  [uuid.toUpperCase(), uuid],
  [uuid.replaceAll('-', ''), uuid],
  [`{${uuid}}`, uuid],
  [`urn:uuid:${uuid}`, uuid],
  [`https://labels.example/c/${uuid}?x=1`, uuid],
  [` ${uuid}\r`, uuid],
  [uuid.slice(0, -1), undefined],
  [`${uuid.replaceAll('-', '')}0`, undefined],
  ['Plasma, batch 7', undefined],
  ['', undefined],
])('in %j there is %s', (text, found) => expect(uuidIn(text)).toBe(found))

describe('a scanner', () => {
  /** type types keys, so many ms apart, and answers what was scanned. */
  const type = (burst: Burst, keys: string[], apart: number, from = 0) => keys.map((key, i) => burst.key(key, from + i * apart)).find((text) => text !== undefined)

  test('types fast and ends with Enter', () => expect(type(new Burst(), [...uuid, 'Enter'], 5)).toBe(uuid))
  test('is not somebody who types', () => expect(type(new Burst(), [...uuid, 'Enter'], 120)).toBeUndefined())
  test('is not somebody who presses Enter', () => expect(type(new Burst(), ['Enter'], 5)).toBeUndefined())
  test('is not disturbed by what was typed before, nor by Shift', () => {
    const burst = new Burst()
    type(burst, ['x', 'y'], 120)
    expect(type(burst, ['Shift', 'A', 'b', 'c', 'd', 'e', 'f', 'Enter'], 5, 1000)).toBe('Abcdef')
  })
  test('scans twice', () => {
    const burst = new Burst()
    type(burst, [...uuid, 'Enter'], 5)
    expect(type(burst, [...'second', 'Enter'], 5, 1000)).toBe('second')
  })
})
