import { foldText } from '../search/findExactHits'

// Cells that refer to other rows contain a name, a name with its place such as "Minus80-B2 (Biobank West)", or an ID.

export type ReferenceKind = 'site' | 'freezer' | 'computer' | 'user'

/** Candidate is a row that a text may name. */
export interface Candidate {
  /** What the API stores: an ID, or the username of a user. */
  value: string
  name: string
  /** Tells rows with equal names apart. */
  detail: string
}

/** qualifiedName returns a name with its place, which a cell can contain as well. */
const qualifiedName = ({ name, detail }: Candidate): string => (detail ? `${name} (${detail})` : name)

/** candidateTexts returns the texts of candidates for cells: qualified names, or values where those are equal. */
export function candidateTexts(candidates: readonly Candidate[]): string[] {
  const names = candidates.map(qualifiedName)
  return names.map((name, i) =>
    names.filter((other) => other === name).length > 1 ? (candidates[i]?.value ?? '') : name,
  )
}

/** candidateLabels returns unique labels of candidates for a choice. */
export const candidateLabels = (candidates: readonly Candidate[]): string[] =>
  candidateTexts(candidates).map((text, i) => {
    const candidate = candidates[i] as Candidate
    return text === candidate.value ? `${qualifiedName(candidate)}, ID ${candidate.value}` : text
  })

/** possibleNames returns the text itself, and the name before a place in parentheses. */
export function possibleNames(text: string): string[] {
  const name = /^(.*\S)\s*\([^()]*\)$/.exec(text)?.[1]
  return name === undefined ? [text] : [text, name]
}

/** matchText returns the candidates that a text names: by username, else exactly, else in any case. */
export function matchText(text: string, candidates: readonly Candidate[]): Candidate[] {
  const unique = [...new Map(candidates.map((candidate) => [candidate.value, candidate])).values()]
  const isNamed = (candidate: Candidate, fold: (name: string) => string) =>
    [candidate.name, qualifiedName(candidate)].some((name) => fold(name) === fold(text))
  const matches = [
    unique.filter(({ value }) => value === text),
    unique.filter((candidate) => isNamed(candidate, (name) => name)),
    unique.filter((candidate) => isNamed(candidate, foldText)),
  ]
  return matches.find(({ length }) => length > 0) ?? []
}
