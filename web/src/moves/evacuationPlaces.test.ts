import { describe, expect, test } from 'vitest'

import { choosePlaces, distribute, type EvacuationPlace, isWarmer, rankPlaces } from './evacuationPlaces'

const source = { name: 'Minus80-B2', siteId: 1 }
const place = (name: string, siteId: number, free: number | undefined, containers = 0): EvacuationPlace => ({
  key: `freezer ${name}`,
  name,
  freezerName: name,
  siteId,
  siteName: `Site ${siteId}`,
  free,
  containers,
})
const names = (places: EvacuationPlace[]) => places.map(({ name }) => name)

describe('rankPlaces', () => {
  test('the temperature class comes before the site, and the site before the room', () => {
    const places = [
      place('Minus20-A', 1, 500),
      place('Spare', 1, 500),
      place('Minus80-C1', 2, 90),
      place('-80 hall', 1, 10),
      place('ULT 4', 1, 20),
    ]
    expect(names(rankPlaces(source, places))).toEqual(['ULT 4', '-80 hall', 'Minus80-C1', 'Spare', 'Minus20-A'])
  })

  test('a freezer without a limit has the most room; equal ones come by contents and name', () => {
    const places = [
      place('-80 10', 1, undefined, 3),
      place('-80 9', 1, undefined, 3),
      place('-80 big', 1, 900),
      place('-80 full', 1, 0),
      place('-80 empty', 1, undefined),
    ]
    expect(names(rankPlaces(source, places))).toEqual(['-80 empty', '-80 9', '-80 10', '-80 big'])
  })
})

describe('choosePlaces', () => {
  const ranked = [place('-80 A', 1, 100), place('-80 B', 1, 50), place('-80 C', 2, 50), place('-20 A', 1, 500)]

  test('as many as are needed', () => {
    expect(names(choosePlaces(source, ranked, 100))).toEqual(['-80 A'])
    expect(names(choosePlaces(source, ranked, 154))).toEqual(['-80 A', '-80 B', '-80 C'])
    expect(choosePlaces(source, ranked, 0)).toEqual([])
  })

  test('never one of another temperature class', () =>
    expect(names(choosePlaces(source, ranked, 300))).toEqual(['-80 A', '-80 B', '-80 C']))
})

test('each place is filled before the next', () => {
  const places = [place('A', 1, 100), place('B', 1, 50), place('C', 1, 50)]
  expect(distribute(places, 154)).toEqual({ shares: [100, 50, 4], lacking: 0 })
  expect(distribute(places, 210)).toEqual({ shares: [100, 50, 50], lacking: 10 })
  expect(distribute([place('A', 1, undefined)], 154)).toEqual({ shares: [154], lacking: 0 })
  expect(distribute([], 7)).toEqual({ shares: [], lacking: 7 })
})

test.each([
  ['Minus20', true],
  ['LN2 tank', false],
  ['Spare', false],
  ['-80', false],
])('%s is warmer than −80 °C: %s', (name, expected) => expect(isWarmer(source, { freezerName: name })).toBe(expected))
