import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react'

import style from './filters.module.css'

// Filters live in the address, so that a list can be sent to somebody, and the way back leads to it.

export interface Filter<N extends string> {
  name: N
  label: string
  placeholder?: string
  /** The values there are; without them any text goes. */
  options?: readonly { value: string; label: string }[]
  /** What it is when none of the options is chosen; Any if left out. */
  any?: string
  /** A moment, in seconds since 1970. */
  time?: boolean
  /** Another field than one of these. */
  field?: (props: { label: string; value: string; set: (value: string) => void }) => ReactNode
}

/** useFilters reads filters from the address, and sets one there. */
export function useFilters<const N extends string>(filters: readonly Filter<N>[]): [Partial<Record<N, string>>, (name: N, value: string) => void] {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const values: Partial<Record<N, string>> = {}
  for (const { name } of filters) if (search[name]) values[name] = search[name]
  return [values, (name, value) => void navigate({ to: '.', search: (known) => ({ ...known, [name]: value || undefined }), replace: true })]
}

interface Props<N extends string> {
  filters: readonly Filter<N>[]
  values: Partial<Record<N, string>>
  set: (name: N, value: string) => void
}

/** FilterBar lets people narrow a list down. */
export function FilterBar<N extends string>({ filters, values, set }: Props<N>) {
  const navigate = useNavigate()
  const any = Object.keys(values).length > 0
  const clear = () => void navigate({ to: '.', search: (known) => ({ ...known, ...Object.fromEntries(filters.map(({ name }) => [name, undefined])) }), replace: true })
  return (
    <search className={style.bar}>
      {filters.map(({ name, label, placeholder, options, any = 'Any', time, field }) =>
        field ? (
          <div key={name}>{field({ label, value: values[name] ?? '', set: (value) => set(name, value) })}</div>
        ) : time ? (
          <TimeFilter key={name} label={label} value={values[name] ?? ''} set={(value) => set(name, value)} />
        ) : options ? (
          <NativeSelect
            key={name}
            label={label}
            data={[{ value: '', label: any }, ...options]}
            value={values[name] ?? ''}
            onChange={(event) => set(name, event.currentTarget.value)}
          />
        ) : (
          <TextFilter key={name} label={label} placeholder={placeholder ?? 'Any'} value={values[name] ?? ''} set={(value) => set(name, value)} />
        ),
      )}
      {any && (
        <Button variant="subtle" onClick={clear}>
          Clear filters
        </Button>
      )}
    </search>
  )
}

const pause = 400 // ms without a key, after which one has typed what one meant

function TextFilter({ label, placeholder, value, set }: { label: string; placeholder: string; value: string; set: (value: string) => void }) {
  const [text, setText] = useState(value)
  const [known, setKnown] = useState(value)
  const [sent, send] = useState<string>() // what is on its way into the address, while one may type on
  if (value !== known) {
    setKnown(value)
    if (value === sent) send(undefined)
    else setText(value) // the address has changed otherwise: by the way back, or Clear
  }
  const apply = () => {
    if (text === value) return
    send(text)
    set(text)
  }
  const typed = useEffectEvent(apply)
  useEffect(() => {
    const timer = setTimeout(typed, pause)
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

/** TimeFilter asks for a moment as clocks here show it. */
function TimeFilter({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  return (
    <TextInput
      type="datetime-local"
      label={label}
      value={localTime(value)}
      onChange={(event) => {
        const at = new Date(event.currentTarget.value).getTime() / 1000
        set(Number.isNaN(at) ? '' : String(at))
      }}
    />
  )
}

/** localTime is a moment as an input of that type wants it: 2026-11-22T08:30. */
export function localTime(seconds: string): string {
  const at = new Date(Number(seconds) * 1000)
  if (seconds === '' || Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
