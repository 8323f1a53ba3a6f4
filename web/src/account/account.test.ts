import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/account'))
const { isActive } = await import('./api')
const { describeUserAgent } = await import('./describeUserAgent')

const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
const mobileSafari = 'AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1'

test.each([
  [`Mozilla/5.0 (X11; Linux x86_64) ${chrome}`, 'Chrome on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/140.0.0.0`, 'Edge on Windows'],
  [`Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) ${mobileSafari}`, 'Safari on iOS'],
  ['curl/8.5.0', 'curl/8.5.0'],
  [null, 'Unknown device'],
])('%s is shown as %s', (userAgent, name) => expect(describeUserAgent(userAgent)).toBe(name))

test.each([
  [null, '2026-01-02T00:00:00Z', true],
  [null, '2026-01-01T00:00:00Z', false],
  ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', false],
])('revoked at %s, expires at %s: active is %s', (revoked_at, expires_at, active) =>
  expect(isActive({ revoked_at, expires_at }, Date.parse('2026-01-01T12:00:00Z'))).toBe(active))
