import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

import { temporary } from './server'

// Which screens were looked at, so that none is forgotten.

const list = path.join(temporary, 'looked')

/** forgetLooks begins anew. */
export function forgetLooks() {
  rmSync(list, { force: true })
}

/** noteLook keeps that the screen at an address was looked at. */
export function noteLook(url: string) {
  appendFileSync(list, `${new URL(url).pathname.replace(/^\/app/, '')}\n`)
}

/** expectLooks fails when a screen of the table was never looked at. */
export function expectLooks() {
  const looked = existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []
  const table = readFileSync(path.join(import.meta.dirname, '..', 'src', 'routes.tsx'), 'utf8')
  const paths = [...table.matchAll(/path: '(\/[^']*)'/g)].map(([, path]) => path ?? '').filter((path) => path !== '/app')
  if (paths.length < 20) throw new Error(`the table of screens has only ${paths.length}`)
  const plain = new Set(paths.filter((path) => !path.includes('$')))
  const missing = paths.filter((path) => {
    const pattern = new RegExp(`^${path.replace(/\$\w+/g, '[^/]+')}$`)
    return !looked.some((one) => one === path || (!plain.has(one) && pattern.test(one)))
  })
  if (missing.length > 0) throw new Error(`no journey looks at ${missing.join(', ')}`)
}
