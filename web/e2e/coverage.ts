import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import type { Page } from '@playwright/test'
import { CoverageReport } from 'monocart-coverage-reports'

// Line coverage of src/ by the journeys. Chromium reports it for the files that the server delivers. Source maps of a
// second build, which is byte-for-byte identical, map it back to src/.

const webDir = path.join(import.meta.dirname, '..')
const mappedDir = path.join(webDir, 'e2e', 'tmp', 'mapped')
const minPercent = 90

const createReport = () =>
  new CoverageReport({
    name: 'Labledger web app',
    outputDir: path.join(webDir, 'coverage'),
    reports: ['v8', 'lcovonly', 'json-summary'],
    sourceFilter: (sourcePath) => /^src\/.*\.tsx?$/.test(sourcePath),
    sourcePath: (sourcePath) => sourcePath.replace(/^(\.\.\/)+/, ''),
    logging: 'error',
    cleanCache: false,
  })

/** prepareCoverage builds the source maps and deletes the coverage of earlier runs. */
export function prepareCoverage() {
  const { status } = spawnSync(
    'npx',
    ['vite', 'build', '--sourcemap', 'hidden', '--outDir', mappedDir, '--emptyOutDir', '--logLevel', 'warn'],
    { cwd: webDir, stdio: 'inherit' },
  )
  if (status !== 0) throw new Error('the build of the web app failed')
  createReport().cleanCache()
}

/**
 * startCoverage records the coverage of a page. Chromium discards it when the page reloads, so it is saved before each
 * reload.
 */
export async function startCoverage(page: Page) {
  await page.coverage.startJSCoverage()
  const { goto, reload } = page
  const restartCoverage = async () => {
    await saveCoverage(page)
    await page.coverage.startJSCoverage()
  }
  page.goto = (...args) => restartCoverage().then(() => goto.apply(page, args))
  page.reload = (...options) => restartCoverage().then(() => reload.apply(page, options))
}

/** saveCoverage adds the coverage of a page to the report. */
export async function saveCoverage(page: Page) {
  const entries = await page.coverage.stopJSCoverage()
  const covered = entries.flatMap(({ url, source, functions }) => {
    const name = /\/static\/\w+\/(\w[\w.-]*\.js)$/.exec(url)?.[1]
    return name && hasSourceMap(name) ? [{ ...readBuiltFile(name, source), functions }] : []
  })
  if (covered.length > 0) await createReport().add(covered)
}

/**
 * finishCoverage writes index.html and lcov.info to coverage/. Files that no journey has loaded count as not covered.
 */
export async function finishCoverage() {
  const report = createReport()
  const names = readdirSync(path.join(mappedDir, 'static')).filter((name) => name.endsWith('.js') && hasSourceMap(name))
  await report.add(names.map((name) => ({ ...readBuiltFile(name), empty: true })))
  const results = await report.generate()
  const lines = results?.summary.lines
  if (!lines) throw new Error('no coverage was recorded')
  console.log(`the journeys cover ${lines.pct} % of ${lines.total} lines, see coverage/index.html`)
  if (process.env.CI && Number(lines.pct) < minPercent)
    throw new Error(`coverage ${lines.pct} % is below ${minPercent} %: add journeys`)
}

/** hasSourceMap is false for the files of the bundler itself, which have no source. */
const hasSourceMap = (name: string) => existsSync(path.join(mappedDir, 'static', `${name}.map`))

const fileCache = new Map<string, { source: string; sourceMap: unknown }>()

function readBuiltFile(name: string, servedSource?: string) {
  let entry = fileCache.get(name)
  if (!entry) {
    const filePath = path.join(mappedDir, 'static', name)
    entry = { source: readFileSync(filePath, 'utf8'), sourceMap: JSON.parse(readFileSync(`${filePath}.map`, 'utf8')) }
    fileCache.set(name, entry)
  }
  if (servedSource !== undefined && servedSource !== entry.source)
    throw new Error(`dist/ is out of date: ${name} differs from a build of src/; run npm run build`)
  return { url: `static/${name}`, type: 'js' as const, ...entry }
}
