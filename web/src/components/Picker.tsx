import { Group, Stack, Text, TextInput, type TextInputProps, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type Hit, type Kind, searchQuery } from '../search/api'
import { useListbox } from './useListbox'
import style from './listbox.module.css'

interface Props extends Omit<TextInputProps, 'value' | 'defaultValue' | 'onChange'> {
  only: Kind
  /** Key of what is chosen, or ''. */
  defaultValue?: string
  /** What it is called. */
  called?: string | undefined
  /** The key is '' while none is chosen; then typed tells how far one is. */
  onChange: (key: string, typed: string) => void
}

/** Picker is a field for one thing of a kind: one types a part of its name, or its number, and chooses. */
export function Picker({ only, defaultValue = '', called, onChange, onBlur, ...rest }: Props) {
  const [typed, type] = useState<string>() // undefined while what was chosen stands there
  const [chosen, setChosen] = useState<{ key: string; title: string | undefined }>({ key: defaultValue, title: undefined }) // called may become known later
  const [known, know] = useState(defaultValue)
  if (defaultValue !== known) {
    know(defaultValue)
    if (defaultValue !== chosen.key) {
      setChosen({ key: defaultValue, title: undefined }) // not by this field: by the way back, say
      type(undefined)
    }
  }
  const [wanted] = useDebouncedValue(typed?.trim() ?? '', 200)
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(wanted, { only, limit: 8 }))
  const fresh = typed !== undefined && wanted === typed.trim() && wanted !== ''
  const hits = fresh && !isFetching && data ? data : []
  const choose = (hit: Hit | undefined) => {
    if (!hit) return
    setChosen({ key: hit.key, title: hit.title })
    type(undefined)
    onChange(hit.key, hit.title)
  }
  const { field, list, option, press, go } = useListbox(hits.length, (i) => choose(hits[i]))
  return (
    <div>
      <TextInput
        placeholder="A part of its name, or its number"
        {...rest}
        {...field}
        aria-expanded={hits.length > 0}
        value={typed ?? (chosen.key && (chosen.title ?? called ?? chosen.key))}
        onChange={(event) => {
          type(event.currentTarget.value)
          go(0)
          setChosen({ key: '', title: undefined })
          onChange('', event.currentTarget.value)
        }}
        onKeyDown={press}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={(event) => {
          const exact = hits.filter(({ key, title }) => [key, title].includes(wanted))
          if (exact.length === 1) choose(exact[0]) // one need not press Enter, too
          onBlur?.(event)
        }}
      />
      <Text size="sm" c="dimmed" role="status">
        {fresh && !isFetching && (error || isPaused ? 'The search failed.' : hits.length === 0 && 'Nothing is called so.')}
      </Text>
      {hits.length > 0 && (
        <Stack {...list} aria-label={`${String(rest.label)}: found`} gap={0}>
          {hits.map((hit, i) => (
            <UnstyledButton key={hit.key} {...option(i)} className={style.option} onMouseDown={(event) => event.preventDefault()} onClick={() => choose(hit)}>
              <Group gap="sm" justify="space-between">
                <Text size="sm">{hit.title}</Text>
                <Text size="sm" c="dimmed">
                  {hit.detail || hit.key}
                </Text>
              </Group>
            </UnstyledButton>
          ))}
        </Stack>
      )}
    </div>
  )
}
