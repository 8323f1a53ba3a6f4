import { useQuery } from '@tanstack/react-query'
import {
  type ColumnDef,
  functionalUpdate,
  rowSelectionFeature,
  type RowSelectionState,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { useMemo, useState } from 'react'

import { asOfParam, isAsOfNoun, useAsOf } from '../asOf/asOf'
import { useSelectedSite } from '../sites/selectedSite'
import { formatSort, type GridState, matchParams, pageParams, type SearchParams, shownColumns } from './gridState'
import { listQuery } from './listQuery'
import type { Selection } from './selection'
import type { ColumnType, ListDefinition } from './types'
import { useGridState } from './useGridState'

/**
 * useSiteScope adds the selected site to the scope of a list. A part of something, such as the containers of a freezer,
 * and a list that is filtered by site are left as they are.
 */
export function useSiteScope<T>(
  { siteField }: ListDefinition<T>,
  { filters }: GridState<T>,
  scope?: SearchParams,
): SearchParams | undefined {
  const { siteId } = useSelectedSite()
  if (siteId === undefined || siteField === undefined || scope !== undefined) return scope
  const hasOwnSite = filters.some(({ column }) => column.id === siteField || column.reference?.idField === siteField)
  return hasOwnSite ? scope : { [siteField]: String(siteId) }
}

const features = tableFeatures({ rowSelectionFeature, rowSortingFeature })

const newestFirstTypes: ColumnType[] = ['time', 'unixTime']

interface Options {
  /** Filters that the user cannot change, such as the freezer of its containers. */
  scope?: SearchParams
  /** Keeps the parameters of several grids on one screen apart. */
  prefix?: string
  /** Milliseconds between refreshes of a list that live messages do not refresh. */
  refetchInterval?: number
}

/** useGrid reads a list in the order and with the filters of the URL. DataGrid shows the result. */
export function useGrid<T extends object>(definition: ListDefinition<T>, { scope: ownScope, prefix = '', refetchInterval }: Options = {}) {
  const [state, actions] = useGridState(definition, prefix)
  const scope = useSiteScope(definition, state, ownScope)
  const currentAsOf = useAsOf()
  const asOf = isAsOfNoun(definition.noun) ? currentAsOf : undefined
  const params = { ...pageParams(definition, state, scope), ...asOfParam(asOf) }
  const query = useQuery({ ...listQuery<T>(definition, params), refetchInterval: refetchInterval ?? false })
  const rows = query.data?.rows ?? noRows
  const columnDefs = useMemo(
    () =>
      shownColumns(definition).map(
        ({ id, type, isSortable = true }): ColumnDef<typeof features, T> => ({
          id,
          accessorFn: (row) => row[id as keyof T],
          enableSorting: isSortable,
          sortDescFirst: newestFirstTypes.includes(type),
        }),
      ),
    [definition],
  )
  // A selection belongs to the rows of one page; another page, order or filter starts with none.
  const pageKey = JSON.stringify(params)
  const [selection, setSelection] = useState<{ pageKey: string; ids: RowSelectionState; isAllMatching?: boolean }>({
    pageKey,
    ids: {},
  })
  const rowSelection = selection.pageKey === pageKey ? selection.ids : noSelection
  const table = useTable({
    features,
    columns: columnDefs,
    data: rows as T[],
    getRowId: (row) => String(definition.rowKey(row)),
    manualSorting: true,
    maxMultiSortColCount: 5,
    state: {
      sorting: state.sort.map(({ id, desc }) => ({ id, desc })),
      rowSelection,
    },
    onSortingChange: (updater) => actions.setSort(functionalUpdate(updater, state.sort)),
    onRowSelectionChange: (updater) => setSelection({ pageKey, ids: functionalUpdate(updater, rowSelection) }),
  })
  const total = query.data?.total
  const selectedRows = (rows as T[]).filter((row) => rowSelection[String(definition.rowKey(row))])
  const isAllMatching = selection.pageKey === pageKey && selection.isAllMatching === true && selectedRows.length > 0
  const [keyField = 'id'] = definition.keyFields
  return {
    definition,
    scope,
    /** The time in the past that the rows show. */
    asOf,
    isScoped: ownScope !== undefined,
    state,
    actions,
    query,
    rows: rows as T[],
    total,
    table,
    selection: {
      rows: selectedRows,
      count: isAllMatching ? (total?.count ?? 0) : selectedRows.length,
      isAllMatching,
      sort: formatSort(state.sort) || definition.defaultSort,
      params: isAllMatching
        ? matchParams(state, scope)
        : { [`${keyField}__in`]: selectedRows.map((row) => String(row[keyField as keyof T])).join(',') },
    } satisfies Selection<T>,
    /** Selects all rows that match the filters, also those of other pages. */
    selectAllMatching: () => setSelection({ ...selection, isAllMatching: true }),
    select: (keys: (string | number)[]) =>
      setSelection({ pageKey, ids: Object.fromEntries(keys.map((key) => [String(key), true as const])) }),
  }
}

const noRows: never[] = []
const noSelection: RowSelectionState = {}

export type Grid<T extends object> = ReturnType<typeof useGrid<T>>
