import { callApi, expect, type Page, password, signIn } from './fixtures'
import type { Server } from './server'

let lastNumber = 0

/** registerUser registers a new user with the role viewer, signs the user in and returns the username. */
export async function registerUser(page: Page, server: Server, path = '/app/'): Promise<string> {
  const username = `new-${Date.now() % 1e8}-${++lastNumber}`
  await page.goto(`${server.url}/app/sign-in`)
  const { status } = await callApi(page, 'POST', '/auth/register', { username, password })
  expect(status).toBe(201)
  await signIn(page, server, username, path)
  return username
}
