import { Button, NativeSelect } from '@mantine/core'
import type { MouseEvent, ReactNode } from 'react'

import { api } from '../api/client'
import { DelayedTextInput } from '../components/DelayedTextInput'
import { ColumnChooser } from './ColumnChooser'
import classes from './DataGrid.module.css'
import { AddFilter, FilterChip } from './FilterChip'
import { formatSort, type GridState, hasFilters, parseSort, shownColumns } from './gridState'
import type { ListDefinition } from './types'
import type { GridActions } from './useGridState'

interface Props<T> {
  definition: ListDefinition<T>
  state: GridState<T>
  actions: GridActions
  /** The URL of a CSV file of all matching rows. */
  exportUrl: string
  quickFilters?: ReactNode
  /** False if the rows are not shown in a table, so that columns and their order do not apply. */
  isTable?: boolean
}

/** GridToolbar searches, filters and exports a list, and chooses its columns. */
export function GridToolbar<T>({ definition, state, actions, exportUrl, quickFilters, isTable = true }: Props<T>) {
  const { columns, itemNames, isSearchable = true } = definition
  return (
    <search className={classes.toolbar} aria-label={`Filter ${itemNames.many}`}>
      {isSearchable && (
        <div className={classes.search}>
          <DelayedTextInput
            type="search"
            aria-label={`Search ${itemNames.many}`}
            placeholder={`Search ${itemNames.many}`}
            value={state.q}
            onChange={actions.setQ}
          />
        </div>
      )}
      {state.filters.length > 0 && (
        <ul className={classes.chips} aria-label="Filters">
          {state.filters.map((filter) => (
            <li key={filter.param}>
              <FilterChip filter={filter} columns={columns} setFilters={actions.setFilters} />
            </li>
          ))}
        </ul>
      )}
      <AddFilter columns={columns} setFilters={actions.setFilters} />
      {hasFilters(state) && (
        <Button variant="subtle" onClick={actions.clearFilters}>
          Clear filters
        </Button>
      )}
      {quickFilters}
      <div className={classes.end}>
        {isTable && <SortSelect definition={definition} state={state} actions={actions} />}
        {isTable && <ColumnChooser definition={definition} state={state} actions={actions} />}
        <Button component="a" href={exportUrl} download variant="default" onClick={startDownload}>
          Export CSV
        </Button>
      </div>
    </search>
  )
}

/** startDownload renews an expired session before a download, which cannot do that itself. */
function startDownload(event: MouseEvent<HTMLAnchorElement>) {
  const link = event.currentTarget
  if (link.dataset.renewed) {
    delete link.dataset.renewed
    return
  }
  event.preventDefault()
  void api.GET('/auth/session').finally(() => {
    link.dataset.renewed = 'true'
    link.click()
  })
}

/** SortSelect chooses the order on a phone, where the table has no head. */
function SortSelect<T>({ definition, state, actions }: Pick<Props<T>, 'definition' | 'state' | 'actions'>) {
  const options = shownColumns(definition)
    .filter(({ isSortable = true }) => isSortable)
    .flatMap(({ id, header }) => [
      { value: id, label: `${header}, ascending` },
      { value: `-${id}`, label: `${header}, descending` },
    ])
  const value = formatSort(state.sort)
  const hasOption = value === '' || options.some((option) => option.value === value)
  return (
    <NativeSelect
      hiddenFrom="sm"
      aria-label="Sort by"
      data={[
        { value: '', label: 'Default order' },
        ...options,
        ...(hasOption ? [] : [{ value, label: 'Several columns' }]),
      ]}
      value={value}
      onChange={(event) => actions.setSort(parseSort(event.currentTarget.value))}
    />
  )
}
