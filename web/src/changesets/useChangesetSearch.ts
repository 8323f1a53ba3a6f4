import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'

import type { ChangesetParams } from './api'
import { type Period, periodParams } from './periods'

const filterNames = ['actor', 'noun', 'message__contains', 'period', 'from', 'to'] as const

type ChangesetSearch = Partial<Record<(typeof filterNames)[number], string>>

/** useChangesetSearch returns the filters of the list of change sets, which are in the URL, and functions to change them. */
export function useChangesetSearch() {
  const search = useSearch({ strict: false }) as ChangesetSearch
  const navigate = useNavigate()
  const { actor, noun, message__contains, period, from, to } = search
  const params = useMemo<ChangesetParams>(
    () => ({
      ...(actor && { actor }),
      ...(noun && { noun }),
      ...(message__contains && { message__contains }),
      ...periodParams({ period, from, to }),
    }),
    [actor, noun, message__contains, period, from, to],
  )
  const setFilters = (filters: ChangesetSearch | Period) =>
    void navigate({
      to: '.',
      search: (current) => ({
        ...current,
        ...Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, value || undefined])),
      }),
      replace: true,
      resetScroll: false,
    })
  return {
    search,
    params,
    hasFilters: filterNames.some((name) => search[name]),
    setFilters,
    clear: () => setFilters(Object.fromEntries(filterNames.map((name) => [name, '']))),
  }
}
