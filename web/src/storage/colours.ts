import type { Content } from './api'

// The colours of the cells of a grid. Each colour has a code in the cell as well, so that it is never the only carrier.

export const colourings = [
  { value: 'type', label: 'Type' },
  { value: 'owner', label: 'Owner' },
  { value: 'project', label: 'Project' },
  { value: 'occupancy', label: 'Occupancy' },
] as const

export type Colouring = (typeof colourings)[number]['value']

/** Category is the containers of a grid with the same value, and how their cells look. */
export interface Category {
  /** The index of the colour from 1; 0 for containers without a value. */
  colour: number
  /** One or two letters in the cell. */
  code: string
  label: string
  count: number
}

/** categoryCount is the number of colours. The last one stands for all other values. */
export const categoryCount = 6

/** categorize returns the categories of containers, those with the most containers first, and that of each container. */
export function categorize(
  contents: readonly Content[],
  field: Exclude<Colouring, 'occupancy'>,
  nameOf: (value: string) => string,
): { categories: Category[]; byValue: Map<string, Category> } {
  const counts = new Map<string, number>()
  for (const content of contents) counts.set(content[field] ?? '', (counts.get(content[field] ?? '') ?? 0) + 1)
  const named = [...counts].filter(([value]) => value !== '').sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const ownColours = named.length > categoryCount ? categoryCount - 1 : named.length
  const codes = new Set<string>()
  const byValue = new Map<string, Category>()
  const categories = named.slice(0, ownColours).map(([value, count], i): Category => {
    const label = nameOf(value)
    const category = { colour: i + 1, code: chooseCode(label, codes), label, count }
    byValue.set(value, category)
    return category
  })
  const rest = named.slice(ownColours)
  if (rest.length > 0) {
    const count = rest.reduce((sum, [, n]) => sum + n, 0)
    const category = { colour: categoryCount, code: '…', label: `${rest.length} others`, count }
    for (const [value] of rest) byValue.set(value, category)
    categories.push(category)
  }
  const unset = counts.get('')
  if (unset !== undefined) {
    const category = { colour: 0, code: '–', label: 'Not set', count: unset }
    byValue.set('', category)
    categories.push(category)
  }
  return { categories, byValue }
}

/** chooseCode returns one or two letters of a name that no other category has. */
function chooseCode(name: string, taken: Set<string>): string {
  const letters = [...name.replaceAll(/[^\p{L}\p{N}]/gu, '')]
  const first = (letters[0] ?? '?').toUpperCase()
  const initials = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
  const second = initials.length > 1 ? [[...(initials.at(-1) ?? '')][0] ?? ''] : []
  const candidates = [first, ...[...second, ...letters.slice(1)].map((letter) => first + letter.toLowerCase())]
  const code = candidates.find((candidate) => !taken.has(candidate)) ?? first
  taken.add(code)
  return code
}

/** fillLevel returns how full a container is in steps of a quarter: 0 is empty, 5 full. */
export function fillLevel(taken: number, positions: number): number {
  if (taken <= 0 || positions <= 0) return 0
  if (taken >= positions) return 5
  return 1 + Math.min(3, Math.floor((taken / positions) * 4))
}

/** percentFull returns the whole percentage that is taken: never 0 of some, never 100 of not all. */
export function percentFull(taken: number, positions: number): number {
  if (taken <= 0 || positions <= 0) return 0
  if (taken >= positions) return 100
  return Math.min(99, Math.max(1, Math.round((taken / positions) * 100)))
}
