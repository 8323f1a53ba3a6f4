import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

import { tempDir } from './server'

// Which screens were looked at, so that none is forgotten.

const listFile = path.join(tempDir, 'checked-screens')

/** resetScreenCoverage begins anew. */
export function resetScreenCoverage() {
  rmSync(listFile, { force: true })
}

/** recordScreen keeps that the screen at an address was looked at. */
export function recordScreen(url: string) {
  appendFileSync(listFile, `${new URL(url).pathname.replace(/^\/app/, '')}\n`)
}

/** expectAllScreens fails when a screen of the table was never looked at. */
export function expectAllScreens() {
  const checkedPaths = existsSync(listFile) ? readFileSync(listFile, 'utf8').split('\n') : []
  const routesSource = readFileSync(path.join(import.meta.dirname, '..', 'src', 'routes.tsx'), 'utf8')
  const paths = [...routesSource.matchAll(/path: '(\/[^']*)'/g)].map(([, path]) => path ?? '').filter((path) => path !== '/app')
  if (paths.length < 20) throw new Error(`the table of screens has only ${paths.length}`)
  const staticPaths = new Set(paths.filter((path) => !path.includes('$')))
  const missing = paths.filter((path) => {
    const pattern = new RegExp(`^${path.replace(/\$\w+/g, '[^/]+')}$`)
    return !checkedPaths.some((checked) => checked === path || (!staticPaths.has(checked) && pattern.test(checked)))
  })
  if (missing.length > 0) throw new Error(`no journey looks at ${missing.join(', ')}`)
}
