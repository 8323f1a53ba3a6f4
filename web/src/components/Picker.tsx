import { Group, Stack, Text, TextInput, type TextInputProps, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type EntityKind, type SearchHit, searchQuery } from '../search/api'
import classes from './listbox.module.css'
import { useListbox } from './useListbox'

interface Props extends Omit<TextInputProps, 'value' | 'defaultValue' | 'onChange'> {
  kind: EntityKind
  /** Key of the selected item, or ''. */
  defaultValue?: string
  /** Name of the selected item. */
  selectedLabel?: string | undefined
  /** The key is '' while nothing is selected; inputText is the text of the field. */
  onChange: (key: string, inputText: string) => void
}

/** Picker is a combobox that searches items of one kind by name or ID. */
export function Picker({ kind, defaultValue = '', selectedLabel, onChange, onBlur, ...rest }: Props) {
  const [inputText, setInputText] = useState<string>() // undefined while the field shows the selected item
  const [selected, setSelected] = useState<{ key: string; title: string | undefined }>({
    key: defaultValue,
    title: undefined,
  }) // selectedLabel may arrive later
  const [lastDefaultValue, setLastDefaultValue] = useState(defaultValue)
  if (defaultValue !== lastDefaultValue) {
    setLastDefaultValue(defaultValue)
    if (defaultValue !== selected.key) {
      setSelected({ key: defaultValue, title: undefined }) // changed from outside, for example by the back button
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
  const { inputProps, listProps, getOptionProps, onKeyDown, setActiveIndex } = useListbox(hits.length, (i) =>
    selectHit(hits[i]),
  )
  return (
    <div>
      <TextInput
        placeholder="Search by name or ID"
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
          if (exactHits.length === 1) selectHit(exactHits[0]) // an exact match needs no Enter
          onBlur?.(event)
        }}
      />
      <Text size="sm" c="dimmed" role="status">
        {isCurrent &&
          !isFetching &&
          (error || isPaused ? 'Search failed. Try again.' : hits.length === 0 && 'No match')}
      </Text>
      {hits.length > 0 && (
        <Stack {...listProps} aria-label={`${String(rest.label)}: matches`} gap={0}>
          {hits.map((hit, i) => (
            <UnstyledButton
              key={hit.key}
              {...getOptionProps(i)}
              className={classes.option}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => selectHit(hit)}
            >
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
