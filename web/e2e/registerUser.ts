import { call, expect, type Page, password, signIn } from './fixtures'
import type { Server } from './server'

let last = 0

/** newcomer registers somebody whom no other journey knows, and signs that one in: a viewer. */
export async function newcomer(page: Page, server: Server, at = '/app/'): Promise<string> {
  const username = `new-${Date.now() % 1e8}-${++last}`
  await page.goto(`${server.url}/app/sign-in`)
  const { status } = await call(page, 'POST', '/auth/register', { username, password })
  expect(status).toBe(201)
  await signIn(page, server, username, at)
  return username
}
