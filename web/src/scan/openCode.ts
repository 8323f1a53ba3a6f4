import type { QueryClient } from '@tanstack/react-query'
import type { AnyRouter } from '@tanstack/react-router'

import { toProblem } from '../api/problem'
import { toast } from '../components/toast'
import { containerQuery, containerTitle, findByBarcode } from '../containers/api'
import { allHits, searchQuery } from '../search/api'
import { type Destination, hitDestination } from '../search/destinations'
import { findExactHits } from '../search/findExactHits'
import { type Code, parseCode } from './parseCode'

export const maxMatches = 10

/** findCode returns the screens of the rows that a code identifies. */
export async function findCode(
  queryClient: QueryClient,
  code: Exclude<Code, { path: string }>,
): Promise<Destination[]> {
  if ('uuid' in code) {
    const { uuid } = code
    const container = await queryClient.fetchQuery(containerQuery(uuid)).catch((error: unknown) => {
      if (toProblem(error).status !== 404) throw error
    })
    if (container) {
      return [hitDestination({ kind: 'container', key: uuid, title: containerTitle(container), detail: '' })]
    }
  }
  const text = 'uuid' in code ? code.uuid : code.text
  const [labelled, groups] = await Promise.all([
    findByBarcode(text),
    queryClient.fetchQuery(searchQuery(text, { limit: maxMatches })),
  ])
  if (labelled.length > 0)
    return labelled.map((row) =>
      hitDestination({ kind: 'container', key: row.uuid, title: containerTitle(row), detail: '' }),
    )
  const hits = allHits(groups)
  const named = hits.filter((hit) => findExactHits(text, hit.kind, [hit]).length > 0) // not what lies in a freezer
  return (named.length > 0 ? named : hits).slice(0, maxMatches).map(hitDestination)
}

interface AppContext {
  queryClient: QueryClient
  router: AnyRouter
}

let lastRequest = 0

/**
 * openCode opens the screen of the row that a scanned or typed code identifies. If there is not exactly one such row,
 * it opens the list of containers, which shows the matches. A newer code replaces one that is still searched for.
 */
export async function openCode(texts: readonly string[], { queryClient, router }: AppContext): Promise<void> {
  const request = ++lastRequest
  const code = parseCode(texts, { hostname: location.hostname, basepath: router.basepath })
  if ('path' in code) return router.history.push(router.basepath + code.path)
  const find = 'uuid' in code ? code.uuid : code.text
  if (find === '') return
  try {
    const destinations = await findCode(queryClient, code)
    if (request !== lastRequest) return
    const [destination] = destinations
    if (destination && destinations.length === 1)
      return await router.navigate({ to: destination.to, params: destination.params, search: { as_of: undefined } }) // a scan is about now
    const isAtList = router.state.location.pathname.endsWith('/containers')
    await router.navigate({ to: '/containers', search: { find, as_of: undefined }, replace: isAtList })
  } catch (error) {
    if (request === lastRequest) toast(toProblem(error).message, 'error')
  }
}
