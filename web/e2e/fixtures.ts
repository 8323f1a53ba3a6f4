import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

import { test as baseTest, type BrowserContext, expect, type Page } from '@playwright/test'

import { fillLab } from './bigLab'
import { saveCoverage, startCoverage } from './coverage'
import { recordScreen } from './screenCoverage'
import { findFreePort, Server } from './server'

// Fixtures of all journeys: two servers, and pages that must not log errors.

export { expect, type Page }

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** users lists the accounts of the secured server with their roles. All have the same password. */
export const users = { ada: 'admin', olga: 'operator', vera: 'viewer' } as const
export const displayNames = { ada: 'Ada Lovelace', olga: 'Olga Berg', vera: 'Vera Rubin' } as const
export const password = 'countess of lovelace'

interface Fixtures {
  /** Console errors that a journey causes on purpose, for example by a rejected request. */
  expectedErrors: RegExp | undefined
  context: BrowserContext
}

interface Servers {
  /** Runs without sign-in: every request has the role admin. */
  openServer: Server
  /** Requires sign-in. */
  securedServer: Server
}

export const test = baseTest.extend<Fixtures, Servers>({
  openServer: [async ({}, use) => withServer('open', 'open', use), { scope: 'worker', timeout: 120_000 }],
  securedServer: [async ({}, use) => withServer('secured', 'required', use), { scope: 'worker', timeout: 120_000 }],
  expectedErrors: [undefined, { option: true }],
  // On every page, uncaught errors, console errors and warnings, and violations of the content security policy fail a
  // journey.
  context: async ({ context, expectedErrors }, use) => {
    const consoleErrors: string[] = []
    const recordError = (text: string) => {
      // A network interface of the host changed, which is not an error of the page.
      if (text.includes('net::ERR_NETWORK_CHANGED')) return
      if (!expectedErrors?.test(text)) consoleErrors.push(text)
    }
    const watchPage = (page: Page) => {
      page.on('pageerror', (error) => recordError(`error: ${error.message}`))
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()))
          recordError(`console: ${message.text()} ${message.location().url}`)
      })
    }
    context.on('page', watchPage)
    await use(context)
    expect(consoleErrors, 'console errors').toEqual([])
  },
  page: async ({ page }, use) => {
    await startCoverage(page)
    await use(page)
    if (!page.isClosed()) await saveCoverage(page)
  },
})

/**
 * withServer starts a server with a laboratory, creates the users if it requires sign-in, and stops it after use. The
 * laboratories are the big one, that of seed --demo, and the mock data alone.
 */
export async function withServer(
  name: string,
  auth: 'open' | 'required',
  use: (server: Server) => Promise<void>,
  { lab = 'big' as 'big' | 'demo' | 'mock', settings = {} as NodeJS.ProcessEnv } = {},
) {
  const server = new Server(name, await findFreePort(), auth, settings)
  try {
    await server.start()
    if (lab === 'demo') server.run(['seed', '--demo'], '')
    if (auth === 'required')
      for (const [username, role] of Object.entries(users)) {
        const person = ['--display-name', displayNames[username as keyof typeof users], '--email', `${username}@lab.example`]
        server.run(['user', 'create', username, '--role', role, ...person], `${password}\n`)
      }
    if (lab === 'big') fillLab(server)
    await use(server)
  } finally {
    await server.stop()
    server.removeState()
  }
}

/** signIn signs a user in with the form. */
export async function signIn(page: Page, server: Server, username: string, appPath = '/app/') {
  await page.goto(`${server.url}/app/sign-in?next=${encodeURIComponent(appPath)}`)
  await page.getByLabel('Username').fill(username)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL(server.url + appPath)
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toHaveCount(0) // the screen has changed
}

let lastNumber = 0

/** uniqueName returns a name that no other row has. */
export const uniqueName = (name: string) => `${name} ${Date.now() % 1e8}-${++lastNumber}`

/** switchUser signs the current user out and another user in. */
export async function switchUser(page: Page, server: Server, username: string, appPath = '/app/') {
  await page.goto('about:blank') // otherwise the open page keeps sending requests without a session
  await page.context().clearCookies()
  await signIn(page, server, username, appPath)
}

/** holdRequests holds the requests to a URL until the returned function is called. */
export async function holdRequests(page: Page, url: string | RegExp | ((url: URL) => boolean)): Promise<() => void> {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route(url, async (route) => {
    await released
    await route.fallback()
  })
  return release
}

/** callApi calls the API from a page, with the session of the page. */
export async function callApi(
  page: Page,
  method: string,
  url: string,
  body?: unknown,
): Promise<{ status: number; body: any }> {
  return page.evaluate(
    async ([method, url, body]) => {
      const response = await fetch(url, {
        method,
        headers: body ? { 'Content-Type': 'application/json' } : {},
        body: body ?? null,
      })
      return { status: response.status, body: await response.json() }
    },
    [method, url, body === undefined ? undefined : JSON.stringify(body)] as const,
  )
}

/**
 * checkScreen checks the current screen against WCAG 2.2 AA in the light and dark theme and at a width of 360 px. With
 * SHOTS=1 it saves screenshots.
 */
export async function checkScreen(page: Page, name: string) {
  const originalSize = page.viewportSize() ?? { width: 1280, height: 800 }
  recordScreen(page.url())
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', scheme)
    await waitForTransitions(page)
    expect(await findViolations(page), `${name}, ${scheme}`).toEqual([])
    await saveScreenshot(page, `${name}-${scheme}`)
  }
  await page.setViewportSize({ width: 360, height: 740 })
  await waitForTransitions(page)
  // Waits for the closing animation of the menu.
  await expect.poll(() => findOverflow(page), `${name}: wider than 360 px`).toEqual([])
  expect(await findViolations(page), `${name}, 360 px`).toEqual([])
  await saveScreenshot(page, `${name}-360`)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(originalSize)
}

/** fireTimers waits until the timers that the page has set have fired, up to a delay in ms. They fire in order. */
export async function fireTimers(page: Page, delay: number) {
  await page.evaluate(async (delay) => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame) // React runs its effects
    await new Promise((resolve) => setTimeout(resolve, delay))
  }, delay)
}

/** countResponses counts the responses to the URLs that contain a text, from now on. */
export function countResponses(page: Page, text: string): () => number {
  let count = 0
  page.on('response', (response) => (count += Number(response.url().includes(text))))
  return () => count
}

/** waitForTransitions waits until colours and sizes have stopped changing. */
export async function waitForTransitions(page: Page) {
  await page.evaluate(async () => {
    await new Promise(requestAnimationFrame) // a transition starts with the next frame
    const finite = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity)
    await Promise.allSettled(finite.map(({ finished }) => finished))
  })
}

async function findViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as any).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return violations.flatMap((violation: any) =>
      violation.nodes.map((node: any) => `${violation.id}: ${node.html} ${node.failureSummary}`),
    )
  })
}

async function findOverflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > width + 1)
      .map((element) => element.outerHTML.slice(0, 120))
  })
}

/** saveScreenshot saves a screenshot in e2e/shots if SHOTS=1. */
async function saveScreenshot(page: Page, name: string) {
  if (process.env.SHOTS) await page.screenshot({ path: path.join(import.meta.dirname, 'shots', `${name}.png`) })
}

/** expectLoaded waits until a screen has loaded its data. */
export async function expectLoaded(page: Page, title: string) {
  await expect(page.getByRole('heading', { level: 1, name: title, exact: true })).toBeVisible()
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
}

/** rowHistory is the part of a screen that lists the changes of its row. */
export const rowHistory = (page: Page) => page.getByRole('region', { name: 'History' })

/** menuLink is an entry of the menu, whose name ends with a number. */
export const menuLink = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Main menu' }).getByRole('link', { name: new RegExp(`^${name}`) })

/** startDeletion opens the dialog that deletes the row of the current screen. */
export async function startDeletion(page: Page) {
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
}

/** deleteRow deletes the row of the current screen. */
export async function deleteRow(page: Page) {
  await startDeletion(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
}

/** markPage sets a marker that is lost when the page reloads. See expectNotReloaded. */
export async function markPage(page: Page) {
  await page.evaluate(() => Object.assign(globalThis, { marked: true }))
}

/** expectNotReloaded fails if the page was reloaded since markPage. */
export async function expectNotReloaded(page: Page) {
  expect(await page.evaluate(() => 'marked' in globalThis), 'the page was reloaded').toBe(true)
}
