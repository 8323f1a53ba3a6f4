import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

import { tempDir } from './server'

// Records the screens that the journeys check, so that none is missed.

const listFile = path.join(tempDir, 'checked-screens')

/** resetScreenCoverage deletes the records of earlier runs. */
export function resetScreenCoverage() {
  rmSync(listFile, { force: true })
}

/** recordScreen records that the screen at a URL was checked. */
export function recordScreen(url: string) {
  appendFileSync(listFile, `${new URL(url).pathname.replace(/^\/app/, '')}\n`)
}

/** screenPaths returns the paths of all screens of src/routes.tsx, such as /sites/$id. */
export function screenPaths(): string[] {
  const routesSource = readFileSync(path.join(import.meta.dirname, '..', 'src', 'routes.tsx'), 'utf8')
  const paths = [...routesSource.matchAll(/screenRoute\('(\/[^']*)'/g)].map(([, path]) => path ?? '')
  if (paths.length < 20) throw new Error(`src/routes.tsx has only ${paths.length} screens`)
  return paths
}

/** expectAllScreens fails if a screen of src/routes.tsx was never checked. */
export function expectAllScreens() {
  const checkedPaths = existsSync(listFile) ? readFileSync(listFile, 'utf8').split('\n') : []
  const paths = screenPaths()
  const staticPaths = new Set(paths.filter((path) => !path.includes('$')))
  const missing = paths.filter((path) => {
    const pattern = new RegExp(`^${path.replace(/\$\w+/g, '[^/]+')}$`)
    return !checkedPaths.some((checked) => checked === path || (!staticPaths.has(checked) && pattern.test(checked)))
  })
  if (missing.length > 0) throw new Error(`no journey checks ${missing.join(', ')}`)
}
