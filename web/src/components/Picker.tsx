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

interface Selection {
  key: string
  /** Undefined for the default value: selectedLabel may arrive later. */
  title: string | undefined
}

/**
 * Picker is a combobox that searches items of one kind by name or ID. It shows what it holds: when it loses the focus,
 * text that selects no item is replaced by the last selected item.
 */
export function Picker({ kind, defaultValue = '', selectedLabel, onChange, onBlur, ...rest }: Props) {
  const [inputText, setInputText] = useState<string>() // undefined while the field shows the selected item
  const [selected, setSelected] = useState<Selection>({ key: defaultValue, title: undefined })
  const [lastSelected, setLastSelected] = useState(selected)
  const [discardedText, setDiscardedText] = useState('')
  const [lastDefaultValue, setLastDefaultValue] = useState(defaultValue)
  const setSelection = (selection: Selection) => {
    setSelected(selection)
    setLastSelected(selection)
    setInputText(undefined)
    setDiscardedText('')
  }
  if (defaultValue !== lastDefaultValue) {
    setLastDefaultValue(defaultValue)
    // Changed from outside, for example by the back button.
    if (defaultValue !== selected.key) setSelection({ key: defaultValue, title: undefined })
  }
  const getLabel = ({ key, title }: Selection) => key && (title ?? selectedLabel ?? key)
  const [searchText] = useDebouncedValue(inputText?.trim() ?? '', 200)
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(searchText, { kind, limit: 8 }))
  const isCurrent = inputText !== undefined && searchText === inputText.trim() && searchText !== ''
  const hits = isCurrent && !isFetching && data ? data : []
  const selectHit = (hit: SearchHit | undefined) => {
    if (!hit) return
    setSelection(hit)
    onChange(hit.key, hit.title)
  }
  const changeText = (text: string) => {
    setDiscardedText('')
    setActiveIndex(0)
    const isLastSelected = text !== '' && text === getLabel(lastSelected)
    setInputText(isLastSelected ? undefined : text)
    setSelected(isLastSelected ? lastSelected : { key: '', title: undefined })
    onChange(isLastSelected ? lastSelected.key : '', text)
  }
  const finishText = () => {
    if (inputText === undefined) return
    const exactHits = hits.filter(({ key, title }) => [key, title].includes(searchText))
    if (exactHits.length === 1) return selectHit(exactHits[0]) // an exact match needs no Enter
    if (inputText.trim() === '') return setSelection({ key: '', title: undefined })
    setSelection(lastSelected)
    setDiscardedText(inputText)
    onChange(lastSelected.key, getLabel(lastSelected))
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
        value={inputText ?? getLabel(selected)}
        onChange={(event) => changeText(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter must not submit the form before the search has answered.
          if (event.key === 'Enter' && inputText?.trim() && hits.length === 0) event.preventDefault()
          else onKeyDown(event)
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={(event) => {
          // The field keeps the focus while another window is active.
          if (document.activeElement !== event.currentTarget) finishText()
          onBlur?.(event)
        }}
      />
      <Text size="sm" c="dimmed" role="status">
        {discardedText && `“${discardedText}” was not selected. Type part of a name and choose a match.`}
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
