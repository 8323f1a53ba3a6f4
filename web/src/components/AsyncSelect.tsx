import { Combobox, Group, Text, TextInput, type TextInputProps, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react'

import { useHeldSubmit } from './useHeldSubmit'

export interface SelectOption {
  key: string
  title: string
  /** Distinguishes options with the same title. */
  detail: string
}

export interface AsyncSelectProps extends Omit<TextInputProps, 'value' | 'defaultValue' | 'onChange'> {
  /** Key of the selected option; default: '' for none. */
  value?: string
  /** Title of the selected option, if the user did not choose it here. */
  selectedLabel?: string | undefined
  onChange: (key: string) => void
  /** Text of the option that selects nothing; default: there is none. */
  emptyLabel?: string | undefined
  /** False keeps the options within a popover, which a click elsewhere would close. */
  withinPortal?: boolean
}

interface Props extends AsyncSelectProps {
  /** Begin of the query keys of the options. */
  queryKey: readonly string[]
  /** Returns the options that match a text: the first ones for ''. */
  fetchOptions: (text: string, signal: AbortSignal) => Promise<SelectOption[]>
  /** Returns the options that a text names exactly. */
  findNamed: (text: string, options: SelectOption[]) => SelectOption[]
  renderIcon?: (option: SelectOption) => ReactNode
}

const typingDelay = 150 // ms
const staleTime = 10_000 // ms

/**
 * AsyncSelect selects one of many options, which the server searches. It shows what it holds: when it loses the focus,
 * text that names one option selects it, and other text is discarded. A form is submitted after that.
 */
export function AsyncSelect({
  value = '',
  selectedLabel,
  onChange,
  queryKey,
  fetchOptions,
  findNamed,
  emptyLabel,
  renderIcon,
  withinPortal = true,
  onBlur,
  ...rest
}: Props) {
  const [text, setText] = useState<string>() // undefined while the field shows the selected option
  const [chosen, setChosen] = useState<SelectOption>()
  const [discardedText, setDiscardedText] = useState('')
  const [searchText] = useDebouncedValue(text?.trim() ?? '', typingDelay)
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() })
  const { inputRef, startWaiting, stopWaiting, finishWaiting } = useHeldSubmit()
  const queryClient = useQueryClient()
  const optionsQuery = (query: string) =>
    queryOptions({
      queryKey: [...queryKey, query],
      queryFn: ({ signal }) => fetchOptions(query, signal),
      staleTime,
    })
  const { data, error, isFetching, isPaused, isPlaceholderData } = useQuery({
    ...optionsQuery(searchText),
    placeholderData: keepPreviousData,
    enabled: combobox.dropdownOpened,
  })
  const options = data ?? []
  const isSettled = searchText === (text?.trim() ?? '') && !isFetching && !isPlaceholderData
  const selectFirst = useEffectEvent(() => void (text && combobox.selectFirstOption()))
  useEffect(() => {
    if (isSettled) selectFirst()
  }, [isSettled, data])
  const select = (option: SelectOption | undefined) => {
    stopWaiting()
    setChosen(option)
    setText(undefined)
    setDiscardedText('')
    combobox.closeDropdown()
    onChange(option?.key ?? '')
  }
  const label = value && (chosen?.key === value ? chosen.title : (selectedLabel ?? value))
  const changeText = (nextText: string) => {
    stopWaiting()
    setDiscardedText('')
    combobox.resetSelectedOption()
    const isChanged = nextText !== label // false after a scan, which restores the field
    setText(isChanged ? nextText : undefined)
    if (isChanged) combobox.openDropdown()
    else combobox.closeDropdown()
  }
  // Selects the option that the text names, even if the search has not answered yet.
  const finishText = async ({ keepsText }: { keepsText: boolean }) => {
    if (text === undefined) return
    if (text.trim() === '') return select(undefined)
    const isCurrentText = startWaiting()
    const found = await queryClient.fetchQuery(optionsQuery(text.trim())).catch(() => [])
    if (!isCurrentText()) return
    const named = findNamed(text, found)
    finishWaiting(named.length === 1)
    if (named.length === 1) select(named[0])
    else if (!keepsText) {
      setText(undefined)
      setDiscardedText(text)
    }
  }
  return (
    <div>
      <Combobox
        store={combobox}
        withinPortal={withinPortal}
        onOptionSubmit={(key) => select(options.find((option) => option.key === key))}
      >
        <Combobox.Target withExpandedAttribute>
          <TextInput
            placeholder="Search by name or ID"
            {...rest}
            ref={inputRef}
            spellCheck={false}
            rightSection={<Combobox.Chevron />}
            rightSectionPointerEvents="none"
            value={text ?? label}
            onChange={(event) => changeText(event.currentTarget.value)}
            onKeyDown={(event) => {
              // Enter must not submit the form before the search has answered.
              if (event.key !== 'Enter' || !text?.trim() || combobox.getSelectedOptionIndex() >= 0) return
              event.preventDefault()
              void finishText({ keepsText: true })
            }}
            onFocus={(event) => {
              event.currentTarget.select()
              if (event.currentTarget.dataset.autofocus) combobox.openDropdown() // a dialog is there to select
            }}
            onClick={() => combobox.openDropdown()}
            onBlur={(event) => {
              // The field keeps the focus while another window is active.
              if (document.activeElement !== event.currentTarget) {
                combobox.closeDropdown()
                void finishText({ keepsText: false })
              }
              onBlur?.(event)
            }}
          />
        </Combobox.Target>
        <Combobox.Dropdown>
          {/* The portal is outside of all landmarks. */}
          <section aria-label={`Choices for ${String(rest.label)}`}>
            <Combobox.Options mah={280} style={{ overflowY: 'auto' }} aria-label={String(rest.label)}>
              {value !== '' && !text && emptyLabel && (
                <Combobox.Option value="">
                  <Text size="sm" c="inherit">
                    {emptyLabel}
                  </Text>
                </Combobox.Option>
              )}
              {options.map((option) => (
                <Combobox.Option key={option.key} value={option.key} active={option.key === value}>
                  <Group gap="xs" wrap="nowrap" justify="space-between">
                    <Group gap="xs" wrap="nowrap">
                      {renderIcon?.(option)}
                      <Text size="sm">{option.title}</Text>
                    </Group>
                    <Text size="xs" c="inherit" ta="end">
                      {option.detail}
                    </Text>
                  </Group>
                </Combobox.Option>
              ))}
            </Combobox.Options>
            {options.length === 0 && (
              <Combobox.Empty role="status">
                {error || isPaused ? 'Search failed. Try again.' : isSettled ? 'No match' : 'Searching…'}
              </Combobox.Empty>
            )}
          </section>
        </Combobox.Dropdown>
      </Combobox>
      <Text size="sm" c="dimmed" role="status">
        {discardedText && `“${discardedText}” was not selected. Type part of a name and choose a match.`}
      </Text>
    </div>
  )
}
