import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useLocation } from '@tanstack/react-router'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { hasRole, useSession } from '../session/api'
import { searchQuery } from './api'
import { groupDestinations, groupNames, localSections, type SearchResult, type SearchSection } from './destinations'
import { describeShown } from './hits'
import { getRecentVisits } from './recentVisits'
import { useCommands } from './useCommands'
import { getObjectActions } from './useObjectActions'

const typingDelay = 150 // ms

/** useSearchResults returns what matches a text: actions, recent items and pages of the app, and rows of the server. */
export function useSearchResults(text: string, { onScan }: { onScan: () => void }) {
  const query = text.trim()
  const [debouncedQuery] = useDebouncedValue(query, typingDelay)
  const { pathname } = useLocation()
  const session = useSession()
  const commands = useCommands({ onScan })
  // As the search opened; the dialog keeps the screen from changing.
  const [objectActions] = useState(getObjectActions)
  const [visits] = useState(() => getRecentVisits(session?.username ?? '').filter(({ path }) => path !== pathname))
  const { data = [], error, isFetching, isPaused } = useQuery(searchQuery(debouncedQuery))
  const isWaiting = query !== '' && (debouncedQuery !== query || isFetching)
  const groups = query === '' || isWaiting ? [] : data
  const isPermitted = ({ role }: SearchResult) => !role || hasRole(session?.role, role)
  const foundSections: SearchSection[] = groups.map((group) => ({
    heading: groupNames[group.noun],
    count: describeShown(group.hits.length, group.total),
    results: groupDestinations(group, query),
  }))
  const foundPaths = new Set(foundSections.flatMap(({ results }) => results.map(resultPath)))
  const sections = [
    ...localSections(query, { visits: visits.filter(({ path }) => !foundPaths.has(path)), objectActions, commands }),
    ...foundSections,
  ]
    .map((section) => ({ ...section, results: section.results.filter(isPermitted) }))
    .filter(({ results }) => results.length > 0)
  const shown = groups.reduce((sum, { hits }) => sum + hits.length, 0)
  const total = groups.reduce(
    (sum, { total: { count, isEstimate } }) => ({ count: sum.count + count, isEstimate: sum.isEstimate || isEstimate }),
    { count: 0, isEstimate: false },
  )
  const describeStatus = (): string => {
    if (isWaiting) return 'Searching…'
    if (query === '') return ''
    if (isPaused) return 'Offline: only pages and recent items.'
    if (error) return `Search failed. ${toProblem(error).message}`
    if (sections.length === 0) return `No results for “${query}”`
    return shown === 1 && total.count === 1 ? '1 result' : `${describeShown(shown, total)} results`
  }
  return { sections, isWaiting, status: describeStatus() }
}

/** resultPath returns the path that a result opens. */
function resultPath({ to = '', params = {} }: SearchResult): string {
  return to.replace(/\$(\w+)/g, (_, name: string) => params[name] ?? '')
}
