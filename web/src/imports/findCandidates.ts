import { batches } from '../api/batches'
import { api, type Page, unwrapPage } from '../api/client'
import { type Candidate, matchText, possibleNames, type ReferenceKind } from './candidates'

/** isKey reports whether a text is an ID, which the server checks. Usernames may consist of digits. */
const isKey = (kind: ReferenceKind, text: string) => kind !== 'user' && /^\d+$/.test(text)

/** findCandidates returns the rows that each text names. IDs are left out. */
export async function findCandidates(
  kind: ReferenceKind,
  texts: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, Candidate[]>> {
  const names = [...texts].filter((text) => text !== '' && !isKey(kind, text))
  const exact = await fetchNamed(kind, [...new Set(names.flatMap(possibleNames))], signal)
  const found = new Map(names.map((text) => [text, matchText(text, exact)]))
  const missing = names.filter((text) => found.get(text)?.length === 0).slice(0, maxInexactTexts)
  for (const text of missing) {
    const similar = await Promise.all(possibleNames(text).map((name) => fetchSimilar(kind, name, signal)))
    found.set(text, matchText(text, similar.flat()))
  }
  return found
}

const maxInexactTexts = 50 // each one takes a request
const batchSize = 40 // names in the URL of a request

async function fetchNamed(kind: ReferenceKind, names: string[], signal: AbortSignal): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for (const equal of batches(names, batchSize)) candidates.push(...(await fetchCandidates(kind, { equal }, signal)))
  return candidates
}

const fetchSimilar = (kind: ReferenceKind, name: string, signal: AbortSignal) =>
  fetchCandidates(kind, { part: name }, signal)

type AtSite = { id: number; name: string; site_name?: string }
type NameFilter = { equal: string[] } | { part: string }

/** fetchCandidates returns the rows whose names match a filter. */
async function fetchCandidates(kind: ReferenceKind, filter: NameFilter, signal: AbortSignal): Promise<Candidate[]> {
  const query = { ...('equal' in filter ? { name: filter.equal } : { name__contains: filter.part }), limit: 1000 }
  switch (kind) {
    case 'site':
      return readPage(api.GET('/api/v1/sites', { params: { query }, signal }), ({ id, name, address, country }) =>
        candidate(id, name, address || country),
      )
    case 'freezer':
      return readPage(
        api.GET('/api/v1/freezers', { params: { query: { ...query, include: 'site' } }, signal }),
        ({ id, name, site_name }: AtSite) => candidate(id, name, site_name),
      )
    case 'computer':
      return readPage(
        api.GET('/api/v1/computers', { params: { query: { ...query, include: 'site' } }, signal }),
        ({ id, name, site_name }: AtSite) => candidate(id, name, site_name),
      )
    case 'user':
      return fetchUsers(filter, signal)
  }
}

/** fetchUsers returns the users whose username or display name matches a filter. */
async function fetchUsers(filter: NameFilter, signal: AbortSignal): Promise<Candidate[]> {
  const queries =
    'equal' in filter
      ? [{ username: filter.equal }, { display_name: filter.equal }]
      : [{ username__contains: filter.part }, { display_name__contains: filter.part }]
  const pages = await Promise.all(
    queries.map((query) =>
      readPage(
        api.GET('/api/v1/directory', { params: { query: { ...query, limit: 1000 } }, signal }),
        ({ username, display_name }) => candidate(username, display_name, username),
      ),
    ),
  )
  return pages.flat()
}

const candidate = (value: string | number, name: string, detail: string | null | undefined): Candidate => ({
  value: String(value),
  name,
  detail: detail ?? '',
})

async function readPage<T>(
  call: Parameters<typeof unwrapPage<T>>[0],
  toCandidate: (row: T) => Candidate,
): Promise<Candidate[]> {
  const { rows }: Page<T> = await unwrapPage(call)
  return rows.map(toCandidate)
}
