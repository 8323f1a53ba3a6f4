// Holds the built app against its budgets, in bytes after gzip: what must be loaded before the first screen shows, and what each further screen adds.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const first = 190 * 1024
const further = 60 * 1024

const folder = new URL('dist/static/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.js'))
const files = new Map(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]))
const size = (name) => gzipSync(files.get(name), { level: 9 }).length

// What a file cannot do without: import … from './x.js', not import('./x.js').
const needs = (name) => [...files.get(name).matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g)].map((match) => match[1]).filter((found) => files.has(found))
const withNeeds = (name, found = new Set()) => {
  if (found.has(name)) return found
  found.add(name)
  for (const needed of needs(name)) withNeeds(needed, found)
  return found
}
const weigh = (found) => [...found].reduce((sum, name) => sum + size(name), 0)

const lazy = [...files.get('app.js').matchAll(/import\(\s*["'`]\.\/([^"'`]+\.js)["'`]\s*\)/g)].map((match) => match[1])
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`
let over = 0
const line = (name, bytes, most) => {
  if (bytes > most) over++
  console.log(`${bytes > most ? 'OVER ' : '     '}${name.padEnd(28)} ${kib(bytes).padStart(10)} of ${kib(most)}`)
}

const home = ['app.js', 'HomeScreen.js', 'AccountMenu.js'].reduce((found, name) => withNeeds(name, found), new Set())
line('first screen, with all it needs', weigh(home), first)
for (const name of lazy) line(name, weigh([...withNeeds(name)].filter((needed) => !home.has(needed))), further)
if (over > 0) {
  console.error(`${over} over budget: load what is not needed at first by import(), or do without it`)
  process.exit(1)
}
