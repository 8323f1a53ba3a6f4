import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

import { test as base, type BrowserContext, expect, type Page } from '@playwright/test'

import { keepCoverage, watchCoverage } from './coverage'
import { noteLook } from './screenCoverage'
import { freePort, Server } from './server'

// What every journey has: two servers, and pages that must not complain.

export { expect, type Page }

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** people can sign in to the closed server; the password is the same for all. */
export const people = { ada: 'admin', olga: 'operator', vera: 'viewer' } as const
export const password = 'countess of lovelace'

interface Fixtures {
  /** Complaints of the console that this journey brings about on purpose, like a refused write. */
  expected: RegExp | undefined
  context: BrowserContext
}

interface Servers {
  /** Everybody is admin here. */
  open: Server
  /** People sign in here. */
  closed: Server
}

export const test = base.extend<Fixtures, Servers>({
  open: [async ({}, use) => serve('open', 'open', use), { scope: 'worker', timeout: 120_000 }],
  closed: [async ({}, use) => serve('closed', 'required', use), { scope: 'worker', timeout: 120_000 }],
  expected: [undefined, { option: true }],
  // Every page of a journey is watched: an error, a complaint of the console or a breach of the policy fails it.
  context: async ({ context, expected }, use) => {
    const complaints: string[] = []
    const complain = (text: string) => {
      if (text.includes('net::ERR_NETWORK_CHANGED')) return // a network card of this machine came or went; what matters is what the page makes of it
      if (!expected?.test(text)) complaints.push(text)
    }
    const watch = (page: Page) => {
      page.on('pageerror', (error) => complain(`error: ${error.message}`))
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complain(`console: ${message.text()} ${message.location().url}`)
      })
    }
    context.on('page', watch)
    await use(context)
    expect(complaints, 'what pages complained of').toEqual([])
  },
  page: async ({ page }, use) => {
    await watchCoverage(page)
    await use(page)
    if (!page.isClosed()) await keepCoverage(page)
  },
})

/** serve gives a server, with people where they sign in, and takes it away in the end. */
export async function serve(name: string, auth: 'open' | 'required', use: (server: Server) => Promise<void>) {
  const server = new Server(name, await freePort(), auth)
  await server.start()
  if (auth === 'required') for (const [who, role] of Object.entries(people)) server.run(['user', 'create', who, '--role', role], `${password}\n`)
  await use(server)
  await server.stop()
  server.forget()
}

/** signIn signs a person in by the form. */
export async function signIn(page: Page, server: Server, who: string, at = '/app/') {
  await page.goto(`${server.url}/app/sign-in?next=${encodeURIComponent(at)}`)
  await page.getByLabel('Username').fill(who)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL(server.url + at)
}

let last = 0

/** unique is a name that nothing else in the lab has. */
export const unique = (name: string) => `${name} ${Date.now() % 1e8}-${++last}`

/** turnTo signs out whoever it is, and somebody else in. */
export async function turnTo(page: Page, server: Server, who: string, at = '/app/') {
  await page.goto('about:blank') // else the page asks on, as nobody
  await page.context().clearCookies()
  await signIn(page, server, who, at)
}

/** call calls the API as a page of a journey does, signed in as it is. */
export async function call(page: Page, method: string, url: string, body?: unknown): Promise<{ status: number; body: any }> {
  return page.evaluate(
    async ([method, url, body]) => {
      const response = await fetch(url, { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body ?? null })
      return { status: response.status, body: await response.json() }
    },
    [method, url, body === undefined ? undefined : JSON.stringify(body)] as const,
  )
}

/** look holds the screen, as it is now, against WCAG 2.2 AA in light and dark, and against a width of 360 px; it keeps a picture of each with SHOTS=1. */
export async function look(page: Page, name: string) {
  const size = page.viewportSize() ?? { width: 1280, height: 800 }
  noteLook(page.url())
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', scheme)
    await page.waitForTimeout(250) // colours fade over 200 ms
    expect(await violations(page), `${name}, ${scheme}`).toEqual([])
    await shoot(page, `${name}-${scheme}`)
  }
  await page.setViewportSize({ width: 360, height: 740 })
  await page.waitForTimeout(250)
  await expect.poll(() => tooWide(page), `${name}: wider than 360 px`).toEqual([]) // the menu slides away first, slowly on a busy machine
  expect(await violations(page), `${name}, 360 px`).toEqual([])
  await shoot(page, `${name}-360`)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(size)
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as any).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return violations.flatMap((violation: any) => violation.nodes.map((node: any) => `${violation.id}: ${node.html} ${node.failureSummary}`))
  })
}

async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    return [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 120))
  })
}

/** shoot keeps a picture in e2e/shots when SHOTS=1. */
export async function shoot(page: Page, name: string) {
  if (process.env.SHOTS) await page.screenshot({ path: path.join(import.meta.dirname, 'shots', `${name}.png`) })
}

/** loaded waits until a screen has what it shows. */
export async function loaded(page: Page, title: string) {
  await expect(page.getByRole('heading', { level: 1, name: title, exact: true })).toBeVisible()
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
}
