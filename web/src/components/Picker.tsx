import { Group, Stack, Text, TextInput, type TextInputProps, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type EntityKind, type SearchHit, searchQuery } from '../search/api'
import classes from './listbox.module.css'
import { useListbox } from './useListbox'

interface Props extends Omit<TextInputProps, 'value' | 'defaultValue' | 'onChange'> {
  kind: EntityKind
  /** Key of what is chosen, or ''. */
  defaultValue?: string
  /** What it is called. */
  selectedLabel?: string | undefined
  /** The key is '' while none is chosen; then typed tells how far one is. */
  onChange: (key: string, inputText: string) => void
}

/** Picker is a field for one thing of a kind: one types a part of its name, or its number, and chooses. */
export function Picker({ kind, defaultValue = '', selectedLabel, onChange, onBlur, ...rest }: Props) {
  const [inputText, setInputText] = useState<string>() // undefined while what was chosen stands there
  const [selected, setSelected] = useState<{ key: string; title: string | undefined }>({ key: defaultValue, title: undefined }) // called may become known later
  const [lastDefaultValue, setLastDefaultValue] = useState(defaultValue)
  if (defaultValue !== lastDefaultValue) {
    setLastDefaultValue(defaultValue)
    if (defaultValue !== selected.key) {
      setSelected({ key: defaultValue, title: undefined }) // not by this field: by the way back, say
      setInputText(undefined)
    }
  }
  const [searchText] = useDebouncedValue(inputText?.trim() ?? '', 200)
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(searchText, { kind, limit: 8 }))
  const isCurrent = inputText !== undefined && searchText === inputText.trim() && searchText !== ''
  const hits = isCurrent && !isFetching && data ? data : []
  const selectHit = (hit: SearchHit | undefined) => {
    if (!hit) return
    setSelected({ key: hit.key, title: hit.title })
    setInputText(undefined)
    onChange(hit.key, hit.title)
  }
  const { inputProps, listProps, getOptionProps, onKeyDown, setActiveIndex } = useListbox(hits.length, (i) => selectHit(hits[i]))
  return (
    <div>
      <TextInput
        placeholder="A part of its name, or its number"
        {...rest}
        {...inputProps}
        aria-expanded={hits.length > 0}
        value={inputText ?? (selected.key && (selected.title ?? selectedLabel ?? selected.key))}
        onChange={(event) => {
          setInputText(event.currentTarget.value)
          setActiveIndex(0)
          setSelected({ key: '', title: undefined })
          onChange('', event.currentTarget.value)
        }}
        onKeyDown={onKeyDown}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={(event) => {
          const exactHits = hits.filter(({ key, title }) => [key, title].includes(searchText))
          if (exactHits.length === 1) selectHit(exactHits[0]) // one need not press Enter, too
          onBlur?.(event)
        }}
      />
      <Text size="sm" c="dimmed" role="status">
        {isCurrent && !isFetching && (error || isPaused ? 'The search failed.' : hits.length === 0 && 'Nothing is called so.')}
      </Text>
      {hits.length > 0 && (
        <Stack {...listProps} aria-label={`${String(rest.label)}: found`} gap={0}>
          {hits.map((hit, i) => (
            <UnstyledButton key={hit.key} {...getOptionProps(i)} className={classes.option} onMouseDown={(event) => event.preventDefault()} onClick={() => selectHit(hit)}>
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
