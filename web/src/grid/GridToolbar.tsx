import { Button, NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'

import { isAsOfNoun } from '../asOf/asOf'
import { AsOfButton } from '../asOf/AsOfButton'
import { DelayedTextInput } from '../components/DelayedTextInput'
import { Icon } from '../components/icons'
import { TitleLine } from '../components/TitleLine'
import { useSelectedSite } from '../sites/selectedSite'
import { useSiteNames } from '../sites/SiteLink'
import { ColumnChooser } from './ColumnChooser'
import classes from './DataGrid.module.css'
import { ExportLink } from './ExportLink'
import { AddFilter, FilterChip } from './FilterChip'
import { formatSort, type GridState, hasFilters, parseSort, shownColumns } from './gridState'
import type { ListDefinition } from './types'
import type { GridActions } from './useGridState'
import { ViewsMenu } from './ViewsMenu'

interface Props<T> {
  definition: ListDefinition<T>
  state: GridState<T>
  actions: GridActions
  /** The URL of a CSV file of all matching rows. */
  exportUrl: string
  /** Buttons in the title line. */
  quickFilters?: ReactNode
  /** False if the rows are not shown in a table, so that columns and their order do not apply. */
  isTable?: boolean
  /** True for a part of the list, such as the containers of a freezer, which has no views. */
  isScoped?: boolean
  /** True if the site switch filters the list. */
  isOneSite?: boolean
}

/** GridToolbar searches, filters and exports a list, and chooses its columns. */
export function GridToolbar<T>({
  definition,
  state,
  actions,
  exportUrl,
  quickFilters,
  isTable = true,
  isScoped = false,
  isOneSite = false,
}: Props<T>) {
  const { columns, itemNames, isSearchable = true } = definition
  return (
    <search className={classes.toolbar} aria-label={`Filter ${itemNames.many}`}>
      {isSearchable && (
        <div className={classes.search}>
          <DelayedTextInput
            type="search"
            aria-label={`Search ${itemNames.many}`}
            placeholder={`Search ${itemNames.many}`}
            leftSection={<Icon name="search" size={15} />}
            value={state.q}
            onChange={actions.setQ}
          />
        </div>
      )}
      <div className={classes.controls}>
        <div className={classes.filters}>
          {isTable && <SortSelect definition={definition} state={state} actions={actions} />}
          {isOneSite && <SiteChip />}
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
            <Button variant="subtle" aria-label="Clear filters" onClick={actions.clearFilters}>
              Clear
            </Button>
          )}
          {quickFilters && (
            <TitleLine>
              <div className={classes.quickFilters}>{quickFilters}</div>
            </TitleLine>
          )}
        </div>
        <div className={classes.end}>
          {!isScoped && isAsOfNoun(definition.noun) && <AsOfButton />}
          {!isScoped && <ViewsMenu definition={definition} state={state} actions={actions} />}
          {isTable && <ColumnChooser definition={definition} state={state} actions={actions} />}
          <ExportLink url={exportUrl} />
        </div>
      </div>
    </search>
  )
}

/** SiteChip shows that the site switch filters the list. */
function SiteChip() {
  const { siteId, setSiteId } = useSelectedSite()
  const siteName = useSiteNames()
  if (siteId === undefined) return null
  return (
    <Button
      variant="light"
      title="Show all sites"
      rightSection={<Icon name="close" size={13} />}
      onClick={() => setSiteId(undefined)}
    >
      Site: {siteName(siteId)}
    </Button>
  )
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
      className={classes.sort}
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
