// Checks the size budgets of the built app, in bytes after gzip: the JavaScript that the first screen needs, and what
// each other screen adds.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const firstScreenLimit = 260 * 1024
const screenLimit = 120 * 1024

const outputDir = new URL('dist/static/', import.meta.url)
const names = readdirSync(outputDir).filter((name) => name.endsWith('.js'))
const files = new Map(names.map((name) => [name, readFileSync(new URL(name, outputDir), 'utf8')]))
const size = (name) => gzipSync(files.get(name), { level: 9 }).length

// Static imports (import … from './x.js'), not dynamic ones (import('./x.js')).
const staticImports = (name) =>
  [...files.get(name).matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g)]
    .map((match) => match[1])
    .filter((imported) => files.has(imported))
const collectImports = (name, collected = new Set()) => {
  if (collected.has(name)) return collected
  collected.add(name)
  for (const imported of staticImports(name)) collectImports(imported, collected)
  return collected
}
const totalSize = (names) => [...names].reduce((sum, name) => sum + size(name), 0)

const lazyChunks = [...files.get('app.js').matchAll(/import\(\s*["'`]\.\/([^"'`]+\.js)["'`]\s*\)/g)].map(
  (match) => match[1],
)
const formatKib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`
let overCount = 0
const report = (name, bytes, limit) => {
  if (bytes > limit) overCount++
  console.log(
    `${bytes > limit ? 'OVER ' : '     '}${name.padEnd(28)} ${formatKib(bytes).padStart(10)} of ${formatKib(limit)}`,
  )
}

const firstScreen = ['app.js', 'OverviewScreen.js', 'AccountMenu.js'].reduce(
  (collected, name) => collectImports(name, collected),
  new Set(),
)
report('first screen with its imports', totalSize(firstScreen), firstScreenLimit)
for (const name of lazyChunks)
  report(name, totalSize([...collectImports(name)].filter((imported) => !firstScreen.has(imported))), screenLimit)
if (overCount > 0) {
  console.error(`${overCount} over budget: load code that is not needed at first with import(), or remove it`)
  process.exit(1)
}
