import { beforeEach, describe, expect, test, vi } from 'vitest'

import { local, placeOf } from './destinations'
import { forget, recent, remember } from './recentVisits'

describe('where one was', () => {
  beforeEach(() => {
    const kept = new Map<string, string>()
    vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) })
  })
  test('is kept newest first, each once, and not for ever', () => {
    for (const id of [1, 2, 3, 4, 5, 6, 7, 3]) remember('ada', `/sites/${id}`, `Site ${id}`)
    expect(recent('ada').map(({ path }) => path)).toEqual(['/sites/3', '/sites/7', '/sites/6', '/sites/5', '/sites/4', '/sites/2'])
  })
  test('are things, not lists and not what is new', () => {
    for (const path of ['/', '/sites', '/sites/new', '/sign-in']) remember('ada', path, 'x')
    expect(recent('ada')).toEqual([])
  })
  test('is for each user alone, and is forgotten', () => {
    remember('ada', '/sites/1', 'Site 1')
    expect(recent('bob')).toEqual([])
    forget('ada')
    expect(recent('ada')).toEqual([])
  })
  test.each(['{', 'null', '{"path": 1}', '[null, 7, {"path": "/sites/1"}]'])('is nothing when %s stands there', (text) => {
    localStorage.setItem('labledger.recent.ada', text)
    expect(recent('ada')).toEqual([])
  })
})

test('all words must be in a name, in any order and case', () => {
  const labels = (text: string) => local(text, [{ path: '/sites/1', title: 'New Harbour' }]).map(({ label }) => label)
  expect(labels('SITE new')).toEqual(['New site'])
  expect(labels('new har')).toEqual(['New Harbour'])
  expect(labels('')[0]).toBe('New Harbour')
  expect(labels('nothing such')).toEqual([])
})

test('a hit leads to its screen, if there is one', () => {
  const hit = { kind: 'container', key: 'a-b', title: 'Plasma', detail: '' }
  expect(placeOf(hit, () => true)).toMatchObject({ to: '/containers/$uuid', params: { uuid: 'a-b' }, hint: 'Container' })
  expect(placeOf(hit, () => false)).toBeUndefined()
  expect(placeOf({ ...hit, kind: 'planet' }, () => true)).toBeUndefined()
})
