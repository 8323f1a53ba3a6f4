import { Button, Checkbox, Group, NativeSelect, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'

import { fromLocalInput, toLocalInput } from '../components/localTime'
import { Picker } from '../components/Picker'
import { PersonPicker } from '../people/PersonPicker'
import classes from './DataGrid.module.css'
import { type ColumnFilter, columnOperators, filterLabel, filterParam, type Operator, operatorLabel } from './operators'
import type { GridColumn, Option } from './types'
import type { GridActions } from './useGridState'

interface Props<T> {
  columns: GridColumn<T>[]
  /** The filter to change, or undefined for a new one. */
  filter?: ColumnFilter<T>
  setFilters: GridActions['setFilters']
  onClose: () => void
}

/** FilterForm asks for the column, the operator and the value of a filter. */
export function FilterForm<T>({ columns, filter, setFilters, onClose }: Props<T>) {
  const filterColumns = columns.filter(({ isFilterable = true }) => isFilterable)
  const [columnId, setColumnId] = useState(filter?.column.id ?? filterColumns[0]?.id ?? '')
  const column = filterColumns.find(({ id }) => id === columnId)
  const [operator, setOperator] = useState<Operator>(
    filter ? editedOperator(filter) : column ? defaultOperator(column) : 'is',
  )
  const [value, setValue] = useState(filter?.value ?? '')
  if (!column) return null
  const chooseColumn = (id: string) => {
    const chosen = filterColumns.find((item) => item.id === id)
    setColumnId(id)
    setOperator(chosen ? defaultOperator(chosen) : 'is')
    setValue('')
  }
  const chooseOperator = (next: Operator) => {
    const isSameField = filterParam(column, next).split('__')[0] === filterParam(column, operator).split('__')[0]
    if (!isSameField || next === 'empty' || operator === 'empty') setValue('')
    setOperator(next)
  }
  const submittedValue = operator === 'empty' ? value || 'true' : value.trim()
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    event.stopPropagation()
    if (submittedValue === '') return
    // One value of a choice is the plain filter name=value.
    const param = filterParam(column, operator === 'in' && !submittedValue.includes(',') ? 'is' : operator)
    setFilters({ ...(filter && filter.param !== param && { [filter.param]: undefined }), [param]: submittedValue })
    onClose()
  }
  return (
    <form onSubmit={handleSubmit} className={classes.form}>
      <Stack gap="sm">
        <NativeSelect
          label="Column"
          data={filterColumns.map((item) => ({ value: item.id, label: filterLabel(item) }))}
          value={columnId}
          onChange={(event) => chooseColumn(event.currentTarget.value)}
          data-autofocus={filter ? undefined : true}
        />
        <NativeSelect
          label="Condition"
          data={columnOperators(column).map((name) => ({ value: name, label: operatorLabel(column.type, name) }))}
          value={operator}
          onChange={(event) => chooseOperator(event.currentTarget.value as Operator)}
        />
        <ValueField
          key={`${columnId} ${operator}`}
          column={column}
          operator={operator}
          value={value}
          onChange={setValue}
          isFirst={filter !== undefined}
        />
        <Group justify="end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={submittedValue === ''}>
            Apply
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

const defaultOperator = <T,>(column: GridColumn<T>): Operator => columnOperators(column)[0] ?? 'is'

/** editedOperator returns the operator that the form shows for a filter. The form of a choice offers several values. */
const editedOperator = <T,>({ column, operator }: ColumnFilter<T>): Operator =>
  column.type === 'choice' && operator === 'is' ? 'in' : operator

interface ValueFieldProps<T> {
  column: GridColumn<T>
  operator: Operator
  value: string
  onChange: (value: string) => void
  /** True gives the field the focus when the form opens. */
  isFirst: boolean
}

/** ValueField is the field for the value of a filter, according to the type of the column. */
function ValueField<T>({ column, operator, value, onChange, isFirst }: ValueFieldProps<T>) {
  const { type, reference, options = noOptions, useOptions = useNoOptions } = column
  const getName = (reference?.useName ?? useNoName)()
  const loadedOptions = useOptions()
  const allOptions = [...options, ...loadedOptions]
  const props = { label: filterLabel(column), 'data-autofocus': isFirst || undefined }
  const pickerProps = { ...props, withinPortal: false } // a click outside of the popover closes it
  if (operator === 'empty')
    return (
      <NativeSelect
        {...props}
        data={type === 'presence' ? [...options] : emptyOptions}
        value={value || 'true'}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    )
  if (reference && (operator === 'is' || operator === 'not'))
    return (
      <Picker
        {...pickerProps}
        kind={reference.kind}
        value={value}
        selectedLabel={value ? getName(Number(value)) : undefined}
        onChange={onChange}
      />
    )
  if (type === 'person' && operator !== 'contains')
    return (
      <PersonPicker
        {...pickerProps}
        value={value || null}
        onChange={(username) => onChange(username ?? '')}
      />
    )
  if (type === 'choice' && operator === 'in')
    return (
      <Checkbox.Group
        label={filterLabel(column)}
        value={value === '' ? [] : value.split(',')}
        onChange={(values) => onChange(values.join(','))}
      >
        <Stack gap={4} mt={4}>
          {withValues(allOptions, value).map((option) => (
            <Checkbox key={option.value} value={option.value} label={option.label} py={4} />
          ))}
        </Stack>
      </Checkbox.Group>
    )
  if (type === 'choice' || type === 'boolean' || type === 'codes')
    return (
      <NativeSelect
        {...props}
        data={[{ value: '', label: 'Choose…' }, ...withValues(allOptions, value)]}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    )
  if (type === 'time' || type === 'unixTime')
    return (
      <TextInput
        {...props}
        type="datetime-local"
        value={toLocalInput(type, value)}
        onChange={(event) => onChange(fromLocalInput(type, event.currentTarget.value))}
      />
    )
  return (
    <TextInput
      {...props}
      type={type === 'date' ? 'date' : 'text'}
      inputMode={type === 'number' ? 'decimal' : undefined}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

/** withValues adds values to the options, which may arrive later, or may never contain a value of the URL. */
function withValues(options: readonly Option[], value: string): Option[] {
  const missing = value.split(',').filter((part) => part !== '' && !options.some((option) => option.value === part))
  return [...options, ...missing.map((part) => ({ value: part, label: part }))]
}

const emptyOptions: Option[] = [
  { value: 'true', label: 'Is empty' },
  { value: 'false', label: 'Is set' },
]

const noOptions: Option[] = []
const useNoOptions = () => noOptions
const useNoName = () => (id: number) => String(id)
