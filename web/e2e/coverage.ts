import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import type { Page } from '@playwright/test'
import { CoverageReport } from 'monocart-coverage-reports'

// Which lines of src/ the journeys ran, told by Chromium itself for the very files that the server gives out. What leads from those back to src/ are
// source maps of a second build, which is the same byte for byte.

const webDir = path.join(import.meta.dirname, '..')
const mappedDir = path.join(webDir, 'e2e', 'tmp', 'mapped')
const minPercent = 90

const createReport = () =>
  new CoverageReport({
    name: 'Labledger, the web app',
    outputDir: path.join(webDir, 'coverage'),
    reports: ['v8', 'lcovonly', 'json-summary'],
    sourceFilter: (readBuiltFile) => /^src\/.*\.tsx?$/.test(readBuiltFile),
    sourcePath: (readBuiltFile) => readBuiltFile.replace(/^(\.\.\/)+/, ''),
    logging: 'error',
    cleanCache: false,
  })

/** prepareCoverage makes the source maps, and forgets what was run before. */
export function prepareCoverage() {
  const { status } = spawnSync('npx', ['vite', 'build', '--sourcemap', 'hidden', '--outDir', mappedDir, '--emptyOutDir', '--logLevel', 'warn'], { cwd: webDir, stdio: 'inherit' })
  if (status !== 0) throw new Error('the app does not build')
  createReport().cleanCache()
}

/** watchCoverage counts what a page runs. Chromium forgets that when the page is loaded anew, so it is kept before. */
export async function watchCoverage(page: Page) {
  await page.coverage.startJSCoverage()
  const { goto, reload } = page
  const restartCoverage = async () => {
    await keepCoverage(page)
    await page.coverage.startJSCoverage()
  }
  page.goto = (...args) => restartCoverage().then(() => goto.apply(page, args))
  page.reload = (...options) => restartCoverage().then(() => reload.apply(page, options))
}

/** keepCoverage adds what a page has run. */
export async function keepCoverage(page: Page) {
  const entries = await page.coverage.stopJSCoverage()
  const covered = entries.flatMap(({ url, source, functions }) => {
    const name = /\/static\/\w+\/(\w[\w.-]*\.js)$/.exec(url)?.[1]
    return name ? [{ ...readBuiltFile(name, source), functions }] : []
  })
  if (covered.length > 0) await createReport().add(covered)
}

/** concludeCoverage writes coverage/: index.html to look at, lcov.info for programs. Files that no journey has loaded count as well. */
export async function concludeCoverage() {
  const report = createReport()
  const names = readdirSync(path.join(mappedDir, 'static')).filter((name) => name.endsWith('.js'))
  await report.add(names.map((name) => ({ ...readBuiltFile(name), empty: true })))
  const results = await report.generate()
  const lines = results?.summary.lines
  if (!lines) throw new Error('no coverage was kept')
  console.log(`the journeys ran ${lines.pct} % of ${lines.total} lines; coverage/index.html shows which`)
  if (process.env.CI && Number(lines.pct) < minPercent) throw new Error(`that is less than ${minPercent} %: something has no journey`)
}

const fileCache = new Map<string, { source: string; sourceMap: unknown }>()

function readBuiltFile(name: string, servedSource?: string) {
  let entry = fileCache.get(name)
  if (!entry) {
    const filePath = path.join(mappedDir, 'static', name)
    entry = { source: readFileSync(filePath, 'utf8'), sourceMap: JSON.parse(readFileSync(`${filePath}.map`, 'utf8')) }
    fileCache.set(name, entry)
  }
  if (servedSource !== undefined && servedSource !== entry.source) throw new Error(`${name} is not what src/ makes now: npm run build`)
  return { url: `static/${name}`, type: 'js' as const, ...entry }
}
