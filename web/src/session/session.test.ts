import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'

import type { Role } from './api'

vi.stubGlobal('location', new URL('http://lab:5000/app/sign-in'))
const { hasRole, sessionQuery } = await import('./api')
const { safeRedirectPath } = await import('./safeRedirectPath')

test.each([
  ['admin', 'operator', true],
  ['operator', 'operator', true],
  ['viewer', 'operator', false],
  [null, 'viewer', false],
  ['auditor', 'viewer', false], // a newer server may have further roles
] as const)('role %s has the permissions of %s: %s', (role, requiredRole, expected) =>
  expect(hasRole(role as Role | null, requiredRole)).toBe(expected))

test.each([
  ['/app/sites?country=USA#history', '/app/sites?country=USA#history'],
  [undefined, '/app/'],
  ['', '/app/'],
  ['https://example.org/app/', '/app/'],
  ['//example.org/app/', '/app/'],
  ['/\\example.org/app/', '/app/'],
  ['javascript:alert(1)', '/app/'],
  ['/docs', '/app/'],
  ['/app/../docs', '/app/'],
  ['https://example.org/app/sites', '/app/sites'],
  ['http://[', '/app/'],
])('next=%s redirects to %s', (next, expected) => expect(safeRedirectPath(next)).toBe(expected))

test.each([
  [5, true],
  [60, false],
  [null, false],
])('a session fetched 10 s ago with a token for %s s is stale: %s', (expires_in, expected) => {
  const client = new QueryClient()
  const account = { username: 'ada', role: 'viewer' as const, id: 1 }
  const session = { ...account, signed_in: true, expires_in, refreshable: true, open: true, may_register: true }
  client.setQueryData(sessionQuery.queryKey, session, { updatedAt: Date.now() - 10_000 })
  expect(new QueryObserver(client, sessionQuery).getCurrentResult().isStale).toBe(expected)
})
