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
  ['emperor', 'viewer', false],
] as const)('role %s includes %s: %s', (role, requiredRole, expected) => expect(hasRole(role as Role | null, requiredRole)).toBe(expected)) // a newer server may have further roles

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
])('safeRedirectPath(%s) is %s', (next, expected) => expect(safeRedirectPath(next)).toBe(expected))

test.each([
  [5, true],
  [60, false],
  [null, false],
])('a session fetched 10 s ago with a token valid for %s s is stale: %s', (expires_in, expected) => {
  const client = new QueryClient()
  const session = { signed_in: true, username: 'ada', role: 'viewer' as const, id: 1, expires_in, refreshable: true, open: true, may_register: true }
  client.setQueryData(sessionQuery.queryKey, session, { updatedAt: Date.now() - 10_000 })
  expect(new QueryObserver(client, sessionQuery).getCurrentResult().isStale).toBe(expected)
})
