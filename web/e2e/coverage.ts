import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import type { Page } from '@playwright/test'
import { CoverageReport } from 'monocart-coverage-reports'

// Which lines of src/ the journeys ran, told by Chromium itself for the very files that the server gives out. What leads from those back to src/ are
// source maps of a second build, which is the same byte for byte.

const web = path.join(import.meta.dirname, '..')
const mapped = path.join(web, 'e2e', 'tmp', 'mapped')
const floor = 90

const report = () =>
  new CoverageReport({
    name: 'Labledger, the web app',
    outputDir: path.join(web, 'coverage'),
    reports: ['v8', 'lcovonly', 'json-summary'],
    sourceFilter: (file) => /^src\/.*\.tsx?$/.test(file),
    sourcePath: (file) => file.replace(/^(\.\.\/)+/, ''),
    logging: 'error',
    cleanCache: false,
  })

/** prepareCoverage makes the source maps, and forgets what was run before. */
export function prepareCoverage() {
  const { status } = spawnSync('npx', ['vite', 'build', '--sourcemap', 'hidden', '--outDir', mapped, '--emptyOutDir', '--logLevel', 'warn'], { cwd: web, stdio: 'inherit' })
  if (status !== 0) throw new Error('the app does not build')
  report().cleanCache()
}

/** watchCoverage counts what a page runs. Chromium forgets that when the page is loaded anew, so it is kept before. */
export async function watchCoverage(page: Page) {
  await page.coverage.startJSCoverage()
  const { goto, reload } = page
  const turn = async () => {
    await keepCoverage(page)
    await page.coverage.startJSCoverage()
  }
  page.goto = (...where) => turn().then(() => goto.apply(page, where))
  page.reload = (...how) => turn().then(() => reload.apply(page, how))
}

/** keepCoverage adds what a page has run. */
export async function keepCoverage(page: Page) {
  const entries = await page.coverage.stopJSCoverage()
  const ran = entries.flatMap(({ url, source, functions }) => {
    const name = /\/static\/\w+\/(\w[\w.-]*\.js)$/.exec(url)?.[1]
    return name ? [{ ...file(name, source), functions }] : []
  })
  if (ran.length > 0) await report().add(ran)
}

/** concludeCoverage writes coverage/: index.html to look at, lcov.info for programs. Files that no journey has loaded count as well. */
export async function concludeCoverage() {
  const all = report()
  const names = readdirSync(path.join(mapped, 'static')).filter((name) => name.endsWith('.js'))
  await all.add(names.map((name) => ({ ...file(name), empty: true })))
  const results = await all.generate()
  const lines = results?.summary.lines
  if (!lines) throw new Error('no coverage was kept')
  console.log(`the journeys ran ${lines.pct} % of ${lines.total} lines; coverage/index.html shows which`)
  if (process.env.CI && Number(lines.pct) < floor) throw new Error(`that is less than ${floor} %: something has no journey`)
}

const files = new Map<string, { source: string; sourceMap: unknown }>()

function file(name: string, served?: string) {
  let found = files.get(name)
  if (!found) {
    const at = path.join(mapped, 'static', name)
    found = { source: readFileSync(at, 'utf8'), sourceMap: JSON.parse(readFileSync(`${at}.map`, 'utf8')) }
    files.set(name, found)
  }
  if (served !== undefined && served !== found.source) throw new Error(`${name} is not what src/ makes now: npm run build`)
  return { url: `static/${name}`, type: 'js' as const, ...found }
}
