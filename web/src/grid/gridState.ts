import { type ColumnFilter, parseFilter } from './operators'
import type { GridColumn, ListDefinition } from './types'

// The state of a grid is in the URL, with the names of the API: q, sort, fields, limit, after, before, and filters such
// as description__contains. page is the number of the page, for display.

export const pageSizes = [50, 100]
const defaultPageSize = 50

/** noFilter is the value of a default filter that the user has removed. */
export const noFilter = 'all'

export type SearchParams = Record<string, string | undefined>

export interface SortKey {
  id: string
  desc: boolean
}

export interface GridState<T> {
  q: string
  filters: ColumnFilter<T>[]
  sort: SortKey[]
  /** IDs of the visible columns in display order. */
  visibleIds: string[]
  limit: number
  after: string | undefined
  before: string | undefined
  page: number
}

const fieldOf = (param: string) => param.split('__')[0]

/** defaultParam returns the default filter on the field of a parameter, or undefined if the list has none. */
export const defaultParam = (param: string, defaultFilters: SearchParams): string | undefined =>
  Object.keys(defaultFilters).find((name) => fieldOf(name) === fieldOf(param))

/** shownColumns returns the columns that a user can see. */
export const shownColumns = <T>({ columns }: ListDefinition<T>): GridColumn<T>[] =>
  columns.filter(({ isFilterOnly }) => !isFilterOnly)

/** defaultColumnIds returns the IDs of the columns that are visible until the user chooses others. */
export const defaultColumnIds = <T>(definition: ListDefinition<T>): string[] =>
  shownColumns(definition)
    .filter(({ isHidden }) => !isHidden)
    .map(({ id }) => id)

/** parseSort parses the parameter sort of the API: "-country,name". */
export function parseSort(sort: string | undefined): SortKey[] {
  return (sort ?? '')
    .split(',')
    .filter((key) => key.replace('-', '') !== '')
    .map((key) => ({ id: key.replace(/^-/, ''), desc: key.startsWith('-') }))
}

/** formatSort is the inverse of parseSort. */
export const formatSort = (sort: readonly SortKey[]): string =>
  sort.map(({ id, desc }) => (desc ? `-${id}` : id)).join(',')

/** parseGridState reads the state of a grid from the parameters of the URL. It ignores parameters of the screen. */
export function parseGridState<T>(definition: ListDefinition<T>, search: SearchParams): GridState<T> {
  const { columns, defaultFilters = {} } = definition
  const changedFields = new Set(Object.keys(search).map(fieldOf))
  const activeDefaults = Object.entries(defaultFilters).filter(([param]) => !changedFields.has(fieldOf(param)))
  const filters = [...activeDefaults, ...Object.entries(search)]
    .filter(([param, value]) => value && !(value === noFilter && defaultParam(param, defaultFilters)))
    .map(([param, value = '']) => parseFilter(columns, param, value))
    .filter((filter) => filter !== undefined)
  const shown = shownColumns(definition)
  const chosenIds = (search.fields ?? '').split(',').filter((id) => shown.some((column) => column.id === id))
  const page = Number(search.page)
  return {
    q: search.q ?? '',
    filters,
    sort: parseSort(search.sort),
    visibleIds: chosenIds.length > 0 ? chosenIds : defaultColumnIds(definition),
    limit: pageSizes.find((size) => String(size) === search.limit) ?? defaultPageSize,
    after: search.after,
    before: search.before,
    page: (search.after || search.before) && page > 1 ? Math.floor(page) : 1,
  }
}

/** hasFilters reports whether the rows are searched or filtered. */
export const hasFilters = <T>({ q, filters }: GridState<T>): boolean => q !== '' || filters.length > 0

/** isDefaultView reports whether the user has neither searched nor changed the filters. */
export const isDefaultView = <T>({ defaultFilters = {} }: ListDefinition<T>, { q, filters }: GridState<T>): boolean =>
  q === '' && filters.every(({ param, value }) => defaultFilters[param] === value)

/** matchParams returns the parameters of the API that select the rows. */
export function matchParams<T>({ q, filters }: GridState<T>, scope: SearchParams = {}): Record<string, string> {
  const params: Record<string, string> = {}
  for (const { param, value } of filters) params[param] = value
  if (q) params.q = q
  for (const [name, value] of Object.entries(scope)) if (value !== undefined) params[name] = value
  return params
}

/** pageParams returns the parameters of the API for one page of rows with their total. */
export function pageParams<T>(
  { defaultSort, include }: ListDefinition<T>,
  state: GridState<T>,
  scope?: SearchParams,
): Record<string, string> {
  const sort = formatSort(state.sort) || defaultSort
  return {
    ...matchParams(state, scope),
    ...(sort && { sort }),
    ...(include && { include }),
    ...(state.after ? { after: state.after } : state.before ? { before: state.before } : {}),
    limit: String(state.limit),
    count: 'exact',
  }
}

/** exportParams returns the parameters of the API for a CSV file of all rows, with the visible columns and the key. */
export function exportParams<T>(
  definition: ListDefinition<T>,
  state: GridState<T>,
  scope?: SearchParams,
): Record<string, string> {
  const sort = formatSort(state.sort) || definition.defaultSort
  const visibleFields = state.visibleIds.flatMap((id) => {
    const column = definition.columns.find((column) => column.id === id)
    return column?.exportFields ?? [id]
  })
  const fields = [...new Set([...definition.keyFields, ...visibleFields])].join(',')
  return { ...matchParams(state, scope), ...(sort && { sort }), fields, format: 'csv' }
}
