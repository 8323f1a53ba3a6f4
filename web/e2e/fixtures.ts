import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

import { test as baseTest, type BrowserContext, expect, type Page } from '@playwright/test'

import { keepCoverage, watchCoverage } from './coverage'
import { recordScreen } from './screenCoverage'
import { findFreePort, Server } from './server'

// What every journey has: two servers, and pages that must not complain.

export { expect, type Page }

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** users can sign in to the closed server; the password is the same for all. */
export const users = { ada: 'admin', olga: 'operator', vera: 'viewer' } as const
export const password = 'countess of lovelace'

interface Fixtures {
  /** Complaints of the console that this journey brings about on purpose, like a refused write. */
  expectedErrors: RegExp | undefined
  context: BrowserContext
}

interface Servers {
  /** Everybody is admin here. */
  openServer: Server
  /** People sign in here. */
  securedServer: Server
}

export const test = baseTest.extend<Fixtures, Servers>({
  openServer: [async ({}, use) => withServer('open', 'open', use), { scope: 'worker', timeout: 120_000 }],
  securedServer: [async ({}, use) => withServer('closed', 'required', use), { scope: 'worker', timeout: 120_000 }],
  expectedErrors: [undefined, { option: true }],
  // Every page of a journey is watched: an error, a complaint of the console or a breach of the policy fails it.
  context: async ({ context, expectedErrors }, use) => {
    const consoleErrors: string[] = []
    const recordError = (text: string) => {
      if (text.includes('net::ERR_NETWORK_CHANGED')) return // a network card of this machine came or went; what matters is what the page makes of it
      if (!expectedErrors?.test(text)) consoleErrors.push(text)
    }
    const watchPage = (page: Page) => {
      page.on('pageerror', (error) => recordError(`error: ${error.message}`))
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) recordError(`console: ${message.text()} ${message.location().url}`)
      })
    }
    context.on('page', watchPage)
    await use(context)
    expect(consoleErrors, 'what pages complained of').toEqual([])
  },
  page: async ({ page }, use) => {
    await watchCoverage(page)
    await use(page)
    if (!page.isClosed()) await keepCoverage(page)
  },
})

/** withServer gives a server, with people where they sign in, and takes it away in the end. */
export async function withServer(name: string, auth: 'open' | 'required', use: (server: Server) => Promise<void>) {
  const server = new Server(name, await findFreePort(), auth)
  await server.start()
  if (auth === 'required') for (const [username, role] of Object.entries(users)) server.run(['user', 'create', username, '--role', role], `${password}\n`)
  await use(server)
  await server.stop()
  server.removeState()
}

/** signIn signs a person in by the form. */
export async function signIn(page: Page, server: Server, username: string, appPath = '/app/') {
  await page.goto(`${server.url}/app/sign-in?next=${encodeURIComponent(appPath)}`)
  await page.getByLabel('Username').fill(username)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL(server.url + appPath)
}

let lastNumber = 0

/** uniqueName is a name that nothing else in the lab has. */
export const uniqueName = (name: string) => `${name} ${Date.now() % 1e8}-${++lastNumber}`

/** switchUser signs out whoever it is, and somebody else in. */
export async function switchUser(page: Page, server: Server, username: string, appPath = '/app/') {
  await page.goto('about:blank') // else the page asks on, as nobody
  await page.context().clearCookies()
  await signIn(page, server, username, appPath)
}

/** callApi calls the API as a page of a journey does, signed in as it is. */
export async function callApi(page: Page, method: string, url: string, body?: unknown): Promise<{ status: number; body: any }> {
  return page.evaluate(
    async ([method, url, body]) => {
      const response = await fetch(url, { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body ?? null })
      return { status: response.status, body: await response.json() }
    },
    [method, url, body === undefined ? undefined : JSON.stringify(body)] as const,
  )
}

/** checkScreen holds the screen, as it is now, against WCAG 2.2 AA in light and dark, and against a width of 360 px; it keeps a picture of each with SHOTS=1. */
export async function checkScreen(page: Page, name: string) {
  const originalSize = page.viewportSize() ?? { width: 1280, height: 800 }
  recordScreen(page.url())
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', scheme)
    await page.waitForTimeout(250) // colours fade over 200 ms
    expect(await findViolations(page), `${name}, ${scheme}`).toEqual([])
    await saveScreenshot(page, `${name}-${scheme}`)
  }
  await page.setViewportSize({ width: 360, height: 740 })
  await page.waitForTimeout(250)
  await expect.poll(() => findOverflow(page), `${name}: wider than 360 px`).toEqual([]) // the menu slides away first, slowly on a busy machine
  expect(await findViolations(page), `${name}, 360 px`).toEqual([])
  await saveScreenshot(page, `${name}-360`)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(originalSize)
}

async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as any).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return violations.flatMap((violation: any) => violation.nodes.map((node: any) => `${violation.id}: ${node.html} ${node.failureSummary}`))
  })
}

async function findOverflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    return [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > width + 1).map((element) => element.outerHTML.slice(0, 120))
  })
}

/** saveScreenshot keeps a picture in e2e/shots when SHOTS=1. */
export async function saveScreenshot(page: Page, name: string) {
  if (process.env.SHOTS) await page.screenshot({ path: path.join(import.meta.dirname, 'shots', `${name}.png`) })
}

/** expectLoaded waits until a screen has what it shows. */
export async function expectLoaded(page: Page, title: string) {
  await expect(page.getByRole('heading', { level: 1, name: title, exact: true })).toBeVisible()
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
}
