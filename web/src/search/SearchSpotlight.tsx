import { Group, Kbd, Text } from '@mantine/core'
import { Spotlight, useSpotlight } from '@mantine/spotlight'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useEffectEvent, useId, useState } from 'react'

import { Icon } from '../components/icons'
import { useReturnFocus } from '../components/useReturnFocus'
import type { SearchResult } from './destinations'
import { SearchOption } from './SearchOption'
import classes from './SearchSpotlight.module.css'
import { spotlight, spotlightStore } from './spotlight'
import { useSearchResults } from './useSearchResults'

interface Props {
  onScan: () => void
}

/** SearchSpotlight (Cmd-K) finds pages, actions, recent items and rows, and opens them. */
export function SearchSpotlight({ onScan }: Props) {
  return (
    <Spotlight.Root
      store={spotlightStore}
      shortcut={null} // shell/Shell.tsx binds the keys
      size={680}
      yOffset="8vh"
      scrollable
      maxHeight={560}
      overlayProps={{ backgroundOpacity: 0.35, blur: 0 }}
      transitionProps={{ duration: 0 }} // the next key goes to the field
      returnFocus={false} // SearchContent does, because it takes the focus before Spotlight looks for it
      attributes={{ content: { 'aria-label': 'Search' } }}
    >
      <SearchContent onScan={onScan} />
    </Spotlight.Root>
  )
}

const focusField = (field: HTMLInputElement | null) => field?.focus()

const focusDelay = 20 // ms; the focus returns before an action opens a dialog

function SearchContent({ onScan }: Props) {
  useReturnFocus()
  const { query, selected } = useSpotlight(spotlightStore)
  const { sections, isWaiting, status } = useSearchResults(query, { onScan })
  const results = sections.flatMap((section) => section.results)
  const listId = useId()
  const navigate = useNavigate()
  const openResult = ({ run, to, params, search }: SearchResult) => {
    spotlight.close()
    if (run) setTimeout(run, focusDelay)
    else void navigate({ to, params, search } as never)
  }
  useSelectedResult(results.length)
  const handleEnter = useEarlyEnter(query, isWaiting, results[0], openResult)
  return (
    <>
      <Spotlight.Search
        ref={focusField}
        data-autofocus
        role="combobox"
        aria-label="Search"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={results[selected] && `${listId}-${selected}`}
        autoComplete="off"
        spellCheck={false}
        placeholder="Search or jump to…"
        maxLength={200}
        leftSection={<Icon name="search" />}
        onKeyDown={(event) => {
          handleEnter(event)
          showSelection()
        }}
      />
      <Spotlight.ActionsList {...{ viewportProps: { id: listId, role: 'listbox', 'aria-label': 'Results' } }}>
        {sections.map(({ heading, count, results: sectionResults }, sectionIndex) => {
          const start = sections.slice(0, sectionIndex).reduce((sum, section) => sum + section.results.length, 0)
          return (
            <div key={heading} role="group" aria-label={count ? `${heading}, ${count}` : heading}>
              <Group className={classes.heading} justify="space-between" aria-hidden>
                <span>{heading}</span>
                <span>{count}</span>
              </Group>
              {sectionResults.map((result, i) => (
                <SearchOption
                  key={result.key}
                  id={`${listId}-${start + i}`}
                  result={result}
                  query={query}
                  isSelected={start + i === selected}
                  onOpen={() => openResult(result)}
                />
              ))}
            </div>
          )
        })}
      </Spotlight.ActionsList>
      <Spotlight.Footer className={classes.footer}>
        <Text size="xs" role="status">
          {status}
        </Text>
        <Group gap="xs" visibleFrom="sm" aria-hidden>
          <Kbd size="xs">↑</Kbd>
          <Kbd size="xs">↓</Kbd> choose <Kbd size="xs">Enter</Kbd> open <Kbd size="xs">Esc</Kbd> close
        </Group>
      </Spotlight.Footer>
    </>
  )
}

/** useSelectedResult keeps one of the results selected when they change. */
function useSelectedResult(count: number) {
  useEffect(() => {
    const state = spotlightStore.getState()
    spotlightStore.setState({ ...state, selected: Math.min(Math.max(state.selected, 0), count - 1) })
  }, [count])
}

/** showSelection renders the selection that a key has changed: Spotlight.Search itself changes only the DOM. */
const showSelection = () => queueMicrotask(() => spotlightStore.setState({ ...spotlightStore.getState() }))

/**
 * useEarlyEnter returns a key handler for the field. Enter before there are results opens the first one as soon as it
 * arrives.
 */
function useEarlyEnter(
  query: string,
  isWaiting: boolean,
  firstResult: SearchResult | undefined,
  onOpen: (result: SearchResult) => void,
) {
  const [enteredQuery, setEnteredQuery] = useState<string>()
  const open = useEffectEvent(onOpen)
  const pendingResult = enteredQuery === query && !isWaiting ? firstResult : undefined
  useEffect(() => {
    if (pendingResult) open(pendingResult)
  }, [pendingResult])
  return (event: KeyboardEvent) => {
    if (event.key === 'Enter' && isWaiting && !firstResult) setEnteredQuery(query)
  }
}
