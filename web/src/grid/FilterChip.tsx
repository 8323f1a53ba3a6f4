import { Button, Popover, UnstyledButton } from '@mantine/core'
import { useState } from 'react'

import { Icon } from '../components/icons'
import { usePersonName } from '../people/PersonName'
import classes from './DataGrid.module.css'
import { FilterForm } from './FilterForm'
import { formatFilterValue } from './filterValues'
import { type ColumnFilter, filterLabel, operatorLabel } from './operators'
import type { GridColumn, Option } from './types'
import type { GridActions } from './useGridState'

interface Props<T> {
  columns: GridColumn<T>[]
  setFilters: GridActions['setFilters']
}

/** FilterChip shows a filter. It opens a form that changes it, and has a button that removes it. */
export function FilterChip<T>({ filter, columns, setFilters }: Props<T> & { filter: ColumnFilter<T> }) {
  const [isOpen, setIsOpen] = useState(false)
  const text = useFilterText(filter)
  return (
    <>
      <Popover opened={isOpen} onChange={setIsOpen} position="bottom-start" trapFocus returnFocus>
        <Popover.Target>
          <UnstyledButton
            className={classes.chipButton}
            aria-label={`Change filter ${text}`}
            title={text}
            onClick={() => setIsOpen(!isOpen)}
          >
            {text}
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown aria-label="Filter">
          <FilterForm columns={columns} filter={filter} setFilters={setFilters} onClose={() => setIsOpen(false)} />
        </Popover.Dropdown>
      </Popover>
      <UnstyledButton
        className={classes.chipRemove}
        aria-label={`Remove filter ${text}`}
        onClick={() => setFilters({ [filter.param]: undefined })}
      >
        <Icon name="close" size={13} />
      </UnstyledButton>
    </>
  )
}

/** AddFilter is the button that opens the form for a new filter. */
export function AddFilter<T>({ columns, setFilters }: Props<T>) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          aria-label="Add filter"
          leftSection={<Icon name="filter" size={15} />}
          onClick={() => setIsOpen(!isOpen)}
        >
          Filter
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Filter">
        <FilterForm columns={columns} setFilters={setFilters} onClose={() => setIsOpen(false)} />
      </Popover.Dropdown>
    </Popover>
  )
}

/** useFilterText describes a filter: "Freezer: Minus80-B2", "Description contains serum". */
function useFilterText<T>({ column, operator, value }: ColumnFilter<T>): string {
  const { type, reference, options = noOptions, useOptions = useNoOptions } = column
  const getName = (reference?.useName ?? useNoName)()
  const loadedOptions = useOptions()
  const personName = usePersonName()
  const label = filterLabel(column)
  if (type === 'presence') return options.find((option) => option.value === value)?.label ?? label
  if (operator === 'empty') return `${label} ${value === 'true' ? 'is empty' : 'is set'}`
  const isId = reference && (operator === 'is' || operator === 'not') && /^\d+$/.test(value) // a URL may have any text
  const valueText = isId
    ? getName(Number(value))
    : type === 'person' && operator !== 'contains'
      ? personName(value)
      : formatFilterValue(type, value, [...options, ...loadedOptions])
  return operator === 'is' || operator === 'in'
    ? `${label}: ${valueText}`
    : `${label} ${operatorLabel(type, operator)} ${valueText}`
}

const noOptions: Option[] = []
const useNoOptions = () => noOptions
const useNoName = () => (id: number) => String(id)
