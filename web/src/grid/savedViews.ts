import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapEmpty, unwrapPage } from '../api/client'
import { defaultColumnIds, formatSort, type GridState, matchParams, noFilter, type SearchParams } from './gridState'
import type { ListDefinition } from './types'

// Saved views: the search, the filters, the order and the columns of a list under a name, for oneself or for all users.

export type View = Schemas['View']

/** viewQuery returns the query of the API that a view saves; it is empty for the plain list. */
export function viewQuery<T>(definition: ListDefinition<T>, state: GridState<T>): string {
  const fields = state.visibleIds.join()
  return new URLSearchParams({
    ...matchParams(state),
    ...(state.sort.length > 0 && { sort: formatSort(state.sort) }),
    ...(fields !== defaultColumnIds(definition).join() && { fields }),
  }).toString()
}

/**
 * viewSearch returns the parameters of the URL that show a view. A filter that the API repeats becomes name__in, and a
 * default filter that the view lacks is removed.
 */
export function viewSearch<T>({ defaultFilters = {} }: ListDefinition<T>, query: string): SearchParams {
  const params = new URLSearchParams(query)
  const search: SearchParams = {}
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    search[values.length > 1 ? `${name}__in` : name] = values.join(',')
  }
  const fields = new Set(Object.keys(search).map((name) => name.split('__')[0]))
  for (const name of Object.keys(defaultFilters)) if (!fields.has(name.split('__')[0])) search[name] = noFilter
  return search
}

/** isSameQuery reports whether two queries have the same parameters, in any order. */
export function isSameQuery(a: string, b: string): boolean {
  const [first, second] = [a, b].map((query) => {
    const params = new URLSearchParams(query)
    params.sort()
    return params.toString()
  })
  return first === second
}

export const viewsQuery = (noun: string) =>
  queryOptions({
    queryKey: ['views', noun],
    queryFn: ({ signal }) =>
      unwrapPage(
        api.GET('/api/v1/views', {
          params: { query: { noun: [noun as View['noun']], sort: 'name', limit: 1000 } },
          signal,
        }),
      ),
  })

export const createView = (fields: Pick<View, 'name' | 'query' | 'shared'> & { noun: string }) =>
  unwrapCreated<View>(api.POST('/api/v1/views', { body: { ...fields, noun: fields.noun as View['noun'] } }))

export const shareView = (view: View, shared: boolean) =>
  unwrap(
    api.PATCH('/api/v1/views/{id}', { params: { path: { id: view.id }, header: ifMatch(view) }, body: { shared } }),
  )

export const deleteView = (view: View) =>
  unwrapEmpty(api.DELETE('/api/v1/views/{id}', { params: { path: { id: view.id }, header: ifMatch(view) } }))
