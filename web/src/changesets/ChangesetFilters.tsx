import { Button, NativeSelect } from '@mantine/core'

import { DateField } from '../components/DateField'
import { DelayedTextInput } from '../components/DelayedTextInput'
import { SegmentedButtons } from '../components/SegmentedButtons'
import { ExportLink } from '../grid/ExportLink'
import { listUrl } from '../grid/listQuery'
import { historyTables } from '../history/tables'
import { PersonPicker } from '../people/PersonPicker'
import { usePermission } from '../session/api'
import classes from './Changesets.module.css'
import { periodDays, periods } from './periods'
import { useChangesetSearch } from './useChangesetSearch'

/** ChangesetFilters restricts the list of change sets to a period, a person, a type of item and a reason. */
export function ChangesetFilters() {
  const isAdmin = usePermission('admin')
  const { search, params, hasFilters, setFilters, clear } = useChangesetSearch()
  const { from, to } = periodDays(search)
  const isRange = !search.period && Boolean(search.from || search.to)
  const tables = historyTables.filter(({ admin }) => isAdmin || !admin)
  return (
    <search className={classes.filters} aria-label="Filter change sets">
      <div className={classes.periodLine}>
        <div className={classes.periods}>
          <SegmentedButtons
            label="Period"
            options={periods}
            value={isRange ? 'range' : search.period}
            onChange={(period) => setFilters({ period, from: '', to: '' })}
          />
        </div>
        <ExportLink url={listUrl('changesets', { ...params, sort: '-at', format: 'csv' })} />
      </div>
      <DateField
        label="From"
        className={classes.date}
        value={from}
        {...(to && { maxDate: to })}
        onChange={(day) => setFilters({ from: day, to, period: '' })}
      />
      <DateField
        label="To"
        className={classes.date}
        value={to}
        {...(from && { minDate: from })}
        onChange={(day) => setFilters({ from, to: day, period: '' })}
      />
      <PersonPicker
        label="Person"
        className={classes.field}
        value={search.actor ?? null}
        onChange={(actor) => setFilters({ actor: actor ?? '' })}
      />
      <NativeSelect
        label="Item type"
        className={classes.field}
        data={[{ value: '', label: 'All' }, ...tables.map(({ value, label }) => ({ value, label }))]}
        value={search.noun ?? ''}
        onChange={(event) => setFilters({ noun: event.currentTarget.value })}
      />
      <DelayedTextInput
        label="Reason contains"
        className={classes.field}
        value={search.message__contains ?? ''}
        onChange={(text) => setFilters({ message__contains: text })}
      />
      {hasFilters && (
        <Button variant="subtle" aria-label="Clear filters" onClick={clear}>
          Clear
        </Button>
      )}
    </search>
  )
}
