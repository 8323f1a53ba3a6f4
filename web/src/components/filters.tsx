import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react'

import classes from './filters.module.css'

// Filters are stored in the URL, so that links and the back button restore them.

export interface Filter<Name extends string> {
  name: Name
  label: string
  placeholder?: string
  /** The possible values; without options the filter is a text field. */
  options?: readonly { value: string; label: string }[]
  /** Label of the empty option; default Any. */
  anyLabel?: string
  /** A date and time in Unix seconds. */
  isDateTime?: boolean
  /** Renders a custom field. */
  renderField?: (props: { label: string; value: string; onChange: (value: string) => void }) => ReactNode
}

/** useFilters returns the filters in the URL and a function that sets one. */
export function useFilters<const Name extends string>(
  filters: readonly Filter<Name>[],
): [Partial<Record<Name, string>>, (name: Name, value: string) => void] {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const values: Partial<Record<Name, string>> = {}
  for (const { name } of filters) if (search[name]) values[name] = search[name]
  return [
    values,
    (name, value) =>
      void navigate({ to: '.', search: (current) => ({ ...current, [name]: value || undefined }), replace: true }),
  ]
}

interface Props<Name extends string> {
  filters: readonly Filter<Name>[]
  values: Partial<Record<Name, string>>
  onChange: (name: Name, value: string) => void
}

/** FilterBar shows the fields that filter a list. */
export function FilterBar<Name extends string>({ filters, values, onChange }: Props<Name>) {
  const navigate = useNavigate()
  const hasFilters = Object.keys(values).length > 0
  const clear = () =>
    void navigate({
      to: '.',
      search: (current) => ({ ...current, ...Object.fromEntries(filters.map(({ name }) => [name, undefined])) }),
      replace: true,
    })
  return (
    <search className={classes.filterBar}>
      {filters.map(({ name, label, placeholder, options, anyLabel = 'Any', isDateTime, renderField }) =>
        renderField ? (
          <div key={name}>
            {renderField({ label, value: values[name] ?? '', onChange: (value) => onChange(name, value) })}
          </div>
        ) : isDateTime ? (
          <DateTimeFilter
            key={name}
            label={label}
            value={values[name] ?? ''}
            onChange={(value) => onChange(name, value)}
          />
        ) : options ? (
          <NativeSelect
            key={name}
            label={label}
            data={[{ value: '', label: anyLabel }, ...withValue(options, values[name] ?? '')]}
            value={values[name] ?? ''}
            onChange={(event) => onChange(name, event.currentTarget.value)}
          />
        ) : (
          <TextFilter
            key={name}
            label={label}
            placeholder={placeholder ?? 'Any'}
            value={values[name] ?? ''}
            onChange={(value) => onChange(name, value)}
          />
        ),
      )}
      {hasFilters && (
        <Button variant="subtle" onClick={clear}>
          Clear filters
        </Button>
      )}
    </search>
  )
}

/** withValue adds the value to the options, which may arrive later, or may never contain a value of the URL. */
function withValue(options: NonNullable<Filter<string>['options']>, value: string) {
  return value === '' || options.some((option) => option.value === value)
    ? options
    : [{ value, label: value }, ...options]
}

const typingDelay = 400 // ms

function TextFilter({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
}) {
  const [text, setText] = useState(value)
  const [lastValue, setLastValue] = useState(value)
  const [pendingValue, setPendingValue] = useState<string>() // sent to the URL but not yet returned by it
  if (value !== lastValue) {
    setLastValue(value)
    if (value === pendingValue) setPendingValue(undefined)
    else setText(value) // changed from outside, by the back button or Clear filters
  }
  const apply = () => {
    if (text === value) return
    setPendingValue(text)
    onChange(text)
  }
  const applyAfterPause = useEffectEvent(apply)
  useEffect(() => {
    const timer = setTimeout(applyAfterPause, typingDelay)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  )
}

/** DateTimeFilter edits a date and time in the local time zone. */
function DateTimeFilter({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (value: string) => void
}) {
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={toLocalInputValue(value)}
      onChange={(event) => {
        const seconds = new Date(event.currentTarget.value).getTime() / 1000
        onChange(Number.isNaN(seconds) ? '' : String(seconds))
      }}
    />
  )
}

/** toLocalInputValue formats Unix seconds for a datetime-local input: 2026-11-22T08:30. */
function toLocalInputValue(seconds: string): string {
  const date = new Date(Number(seconds) * 1000)
  if (seconds === '' || Number.isNaN(date.getTime())) return ''
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
