import { Group, Stack, Text, TextInput, type TextInputProps, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { allHits, type EntityKind, type SearchHit, searchQuery } from '../search/api'
import { findExactHits } from '../search/findExactHits'
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
 * text that names one item selects it, and other text is replaced by the last selected item. A form is submitted after
 * that.
 */
export function Picker({ kind, defaultValue = '', selectedLabel, onChange, onBlur, ...rest }: Props) {
  const [inputText, setInputText] = useState<string>() // undefined while the field shows the selected item
  const [selected, setSelected] = useState<Selection>({ key: defaultValue, title: undefined })
  const [lastSelected, setLastSelected] = useState(selected)
  const [discardedText, setDiscardedText] = useState('')
  const [lastDefaultValue, setLastDefaultValue] = useState(defaultValue)
  const { inputRef, waitForText, stopWaiting, finishWaiting } = useHeldSubmit()
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
  const queryClient = useQueryClient()
  const [searchText] = useDebouncedValue(inputText?.trim() ?? '', 200)
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(searchText, { kind, limit: 8 }))
  const isCurrent = inputText !== undefined && searchText === inputText.trim() && searchText !== ''
  const hits = isCurrent && !isFetching && data ? allHits(data) : []
  const selectHit = (hit: SearchHit | undefined) => {
    if (!hit) return
    stopWaiting()
    setSelection(hit)
    onChange(hit.key, hit.title)
  }
  const changeText = (text: string) => {
    stopWaiting()
    setDiscardedText('')
    setActiveIndex(0)
    const isLastSelected = text !== '' && text === getLabel(lastSelected)
    setInputText(isLastSelected ? undefined : text)
    setSelected(isLastSelected ? lastSelected : { key: '', title: undefined })
    onChange(isLastSelected ? lastSelected.key : '', text)
  }
  // Selects the item that the text names, even if the search has not answered yet.
  const finishText = async ({ keepsText }: { keepsText: boolean }) => {
    if (inputText === undefined) return
    const text = inputText.trim()
    if (text === '') return setSelection({ key: '', title: undefined })
    const isCurrentText = waitForText()
    const found = await queryClient.fetchQuery({ ...searchQuery(text, { kind, limit: 8 }), staleTime }).catch(() => [])
    if (!isCurrentText()) return
    const exactHits = findExactHits(text, kind, allHits(found))
    finishWaiting(exactHits.length === 1)
    if (exactHits.length === 1) selectHit(exactHits[0])
    else if (!keepsText) {
      setSelection(lastSelected)
      setDiscardedText(inputText)
      onChange(lastSelected.key, getLabel(lastSelected))
    }
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
        ref={inputRef}
        aria-expanded={hits.length > 0}
        value={inputText ?? getLabel(selected)}
        onChange={(event) => changeText(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter must not submit the form before the search has answered.
          if (event.key === 'Enter' && inputText?.trim() && hits.length === 0) {
            event.preventDefault()
            void finishText({ keepsText: true })
          } else onKeyDown(event)
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={(event) => {
          // The field keeps the focus while another window is active.
          if (document.activeElement !== event.currentTarget) void finishText({ keepsText: false })
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

const staleTime = 10_000 // ms; the result that the list shows is recent enough

/** useHeldSubmit holds a submission of the form of a field while the field waits for the item that its text names. */
function useHeldSubmit() {
  const inputRef = useRef<HTMLInputElement>(null)
  const waiting = useRef<{ submitter?: HTMLElement | null }>(undefined)
  useEffect(() => {
    const form = inputRef.current?.form
    if (!form) return
    const hold = (event: SubmitEvent) => {
      if (!waiting.current) return
      event.preventDefault()
      event.stopPropagation()
      waiting.current.submitter = event.submitter
    }
    form.addEventListener('submit', hold, { capture: true })
    return () => form.removeEventListener('submit', hold, { capture: true })
  }, [])
  return {
    inputRef,
    /** waitForText holds submissions. It returns a function that reports whether the field still waits. */
    waitForText: () => {
      const current = (waiting.current = {})
      return () => waiting.current === current
    },
    stopWaiting: () => (waiting.current = undefined),
    /** finishWaiting submits the form now if it was held and an item is selected. */
    finishWaiting: (isSelected: boolean) => {
      const { submitter } = waiting.current ?? {}
      waiting.current = undefined
      // After React has rendered the form with the selected item.
      if (isSelected && submitter !== undefined) setTimeout(() => inputRef.current?.form?.requestSubmit(submitter))
    },
  }
}
