import { expect, test, vi } from 'vitest'

// The page of a server below /lab.

vi.stubGlobal('document', { querySelector: () => ({ content: '/lab/two' }) })
vi.stubGlobal('location', new URL('http://host/lab/two/app/sign-in'))
const { appPath, basePath, scopedName } = await import('./basePath')
const { safeRedirectPath } = await import('../session/safeRedirectPath')

test('the base path begins paths and is part of names', () => {
  expect(basePath).toBe('/lab/two')
  expect(appPath).toBe('/lab/two/app')
  expect(scopedName('live')).toBe('labledger-lab-two.live')
})

test.each([
  ['/lab/two/app/sites', '/lab/two/app/sites'],
  ['/app/sites', '/lab/two/app/'],
  ['/lab/app/sites', '/lab/two/app/'],
  [undefined, '/lab/two/app/'],
])('next=%s redirects to %s', (next, expected) => expect(safeRedirectPath(next)).toBe(expected))
