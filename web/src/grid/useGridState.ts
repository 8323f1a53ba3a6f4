import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'

import {
  defaultColumnIds,
  defaultParam,
  formatSort,
  type GridState,
  noFilter,
  parseGridState,
  type SearchParams,
  type SortKey,
} from './gridState'
import { viewSearch } from './savedViews'
import type { ListDefinition } from './types'

const firstPage = { after: undefined, before: undefined, page: undefined }

export interface GridActions {
  /** Sets the text of the search. */
  setQ: (q: string) => void
  /** Sets filters; undefined removes one. */
  setFilters: (filters: SearchParams) => void
  clearFilters: () => void
  setSort: (sort: readonly SortKey[]) => void
  setVisibleIds: (ids: string[]) => void
  setLimit: (limit: number) => void
  /** Shows the query of a saved view. */
  showView: (query: string) => void
  /** Shows the page after or before a cursor; without a cursor, the first page. */
  showPage: (page: number, cursor?: { after: string } | { before: string }) => void
}

/**
 * useGridState returns the state of a grid, which is in the URL, and the functions that change it. The prefix keeps the
 * parameters of several grids on one screen apart.
 */
export function useGridState<T>(definition: ListDefinition<T>, prefix = ''): [GridState<T>, GridActions] {
  const search = useSearch({ strict: false }) as SearchParams
  const navigate = useNavigate()
  const ownSearch = JSON.stringify(
    Object.entries(search)
      .filter(([name]) => (prefix ? name.startsWith(prefix) : true))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  )
  const state = useMemo(
    () => parseGridState(definition, Object.fromEntries(JSON.parse(ownSearch))),
    [definition, ownSearch],
  )
  const { defaultFilters = {} } = definition
  const change = (params: SearchParams, { replace = true } = {}) => {
    const prefixed = Object.fromEntries(Object.entries(params).map(([name, value]) => [prefix + name, value]))
    // A change of the page starts at its top; other changes keep the scroll position.
    void navigate({ to: '.', search: (current) => ({ ...current, ...prefixed }), replace, resetScroll: !replace })
  }
  /** remove returns the parameters that remove a filter. */
  const remove = (param: string): SearchParams => {
    const name = defaultParam(param, defaultFilters)
    return { [param]: undefined, ...(name && { [name]: noFilter }) }
  }
  return [
    state,
    {
      setQ: (q) => change({ q: q || undefined, ...firstPage }),
      setFilters: (filters) =>
        change({
          ...Object.assign({}, ...Object.entries(filters).map(([param, value]) => (value ? { [param]: value } : remove(param)))),
          ...firstPage,
        }),
      clearFilters: () =>
        change({
          ...Object.fromEntries(state.filters.map(({ param }) => [param, undefined])),
          ...Object.fromEntries(Object.keys(defaultFilters).map((param) => [param, noFilter])),
          q: undefined,
          ...firstPage,
        }),
      setSort: (sort) => change({ sort: formatSort(sort) || undefined, ...firstPage }),
      setVisibleIds: (ids) =>
        change({ fields: ids.join() === defaultColumnIds(definition).join() ? undefined : ids.join() }),
      setLimit: (limit) => change({ limit: String(limit), ...firstPage }),
      showView: (query) =>
        change(
          {
            ...Object.fromEntries(state.filters.map(({ param }) => [param, undefined])),
            ...Object.fromEntries(Object.keys(defaultFilters).map((param) => [param, undefined])),
            ...{ q: undefined, sort: undefined, fields: undefined },
            ...viewSearch(definition, query),
            ...firstPage,
          },
          { replace: false },
        ),
      showPage: (page, cursor) =>
        change({ ...firstPage, ...cursor, ...(page > 1 && { page: String(page) }) }, { replace: false }),
    },
  ]
}
