import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/sign-in'))
const { includes } = await import('./api')
const { inside } = await import('./inside')

test.each([
  ['admin', 'operator', true],
  ['operator', 'operator', true],
  ['viewer', 'operator', false],
  [null, 'viewer', false],
  ['emperor', 'viewer', false],
] as const)('%s may do what a %s may: %s', (has, need, may) => expect(includes(has, need)).toBe(may))

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
])('%s leads to %s', (next, to) => expect(inside(next)).toBe(to))
