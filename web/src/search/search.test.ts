import { beforeEach, describe, expect, test, vi } from 'vitest'

import type { FoundGroup, SearchHit } from './api'
import { groupDestinations, hitDestination, localSections } from './destinations'
import { describeShown } from './hits'
import { forgetVisits, getRecentVisits, rememberVisit } from './recentVisits'
import type { ObjectAction } from './useObjectActions'

describe('recent visits', () => {
  beforeEach(() => {
    const storage = new Map<string, string>()
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => storage.set(key, value),
      removeItem: (key: string) => storage.delete(key),
    })
  })
  test('are newest first, without duplicates and limited in number', () => {
    for (const id of [1, 2, 3, 4, 5, 6, 7, 3]) rememberVisit('ada', `/sites/${id}`, `Site ${id}`)
    expect(getRecentVisits('ada').map(({ path }) => path)).toEqual([
      '/sites/3',
      '/sites/7',
      '/sites/6',
      '/sites/5',
      '/sites/4',
      '/sites/2',
    ])
  })
  test('include only detail screens', () => {
    for (const path of ['/', '/sites', '/sites/new', '/sign-in']) rememberVisit('ada', path, 'x')
    expect(getRecentVisits('ada')).toEqual([])
  })
  test('are separate for each user and can be deleted', () => {
    rememberVisit('ada', '/sites/1', 'Site 1')
    expect(getRecentVisits('bob')).toEqual([])
    forgetVisits('ada')
    expect(getRecentVisits('ada')).toEqual([])
  })
  test.each(['{', 'null', '{"path": 1}', '[null, 7, {"path": "/sites/1"}]'])('are empty when %s is stored', (text) => {
    localStorage.setItem('labledger.recent.ada', text)
    expect(getRecentVisits('ada')).toEqual([])
  })
})

test('a label matches all words in any order and case', () => {
  const objectActions: ObjectAction[] = [{ label: 'Delete…', icon: 'delete', run: () => {} }]
  const visits = [{ path: '/sites/1', title: 'New Harbour' }]
  const find = (text: string) =>
    localSections(text, { visits, objectActions, commands: [] }).map(({ heading, results }) => [
      heading,
      ...results.map(({ label }) => label),
    ])
  expect(find('SITE new')).toEqual([['Actions', 'New site']])
  expect(find('new har')).toEqual([['Recent', 'New Harbour']])
  expect(find('').map(([heading]) => heading)).toEqual(['On this page', 'Recent', 'Pages', 'Actions'])
  expect(find('nothing such')).toEqual([])
})

test('the number of shown matches is shown only if there are more', () => {
  expect(describeShown(5, { count: 5, isEstimate: false })).toBe('5')
  expect(describeShown(5, { count: 1200, isEstimate: true })).toBe('5 of about 1,200')
})

test('a hit opens its screen', () => {
  expect(hitDestination({ kind: 'container', key: 'a-b', title: 'Plasma', detail: '' })).toMatchObject({
    to: '/containers/$uuid',
    params: { uuid: 'a-b' },
    hint: 'Container',
  })
})

test('a group with more matches ends with the list of all', () => {
  const hits: SearchHit[] = [{ kind: 'freezer', key: '7', title: 'Minus 80', detail: '' }]
  const freezers: FoundGroup = { noun: 'freezers', total: { count: 1, isEstimate: false }, hits }
  expect(groupDestinations(freezers, 'minus')).toHaveLength(1)
  expect(groupDestinations({ ...freezers, total: { count: 1200, isEstimate: true } }, 'minus')[1]).toMatchObject({
    label: 'Show all about 1,200 freezers',
    to: '/storage',
    search: { q: 'minus', view: 'list' },
  })
  expect(groupDestinations({ ...freezers, noun: 'rules', total: { count: 12, isEstimate: false } }, 'minus')).toHaveLength(1) // no screen lists the matches of rules
})
