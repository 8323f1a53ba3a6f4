import { Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { formatTotal } from '../components/formatTotal'
import { Icon } from '../components/icons'
import classes from '../components/listbox.module.css'
import { useListbox } from '../components/useListbox'
import { hasRole, useSession } from '../session/api'
import { searchQuery } from './api'
import { type Destination, groupDestinations, groupNames, localDestinations } from './destinations'
import { countMatches } from './hits'
import { getRecentVisits } from './recentVisits'
import { takeTypeAhead } from './typeAhead'

/** SearchDialog (Cmd-K) finds pages, actions, recent items and stored rows, and opens them. */
export function SearchDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  // True if Enter was pressed before there were results: the first result opens on arrival.
  const [isEnterPending, setIsEnterPending] = useState(false)
  const query = text.trim()
  const [debouncedQuery] = useDebouncedValue(query, 150)
  const navigate = useNavigate()
  const { pathname } = useLocation()
  const session = useSession()
  const [visits] = useState(() => getRecentVisits(session?.username ?? '').filter(({ path }) => path !== pathname))
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(debouncedQuery))
  const isWaiting = query !== '' && (debouncedQuery !== query || isFetching)
  const groups = query === '' || isWaiting ? [] : (data ?? [])
  const groupSections: Section[] = groups.map((group) => ({
    heading: `${groupNames[group.noun]} ${formatTotal(group.total)}`,
    results: groupDestinations(group, query),
  }))
  const foundKeys = groupSections.flatMap(({ results }) => results.map((result) => `recent ${destinationPath(result)}`))
  const localHits = localDestinations(query, visits).filter(
    ({ key, role }) => !foundKeys.includes(key) && (!role || hasRole(session?.role, role)),
  )
  const sections = [{ heading: '', results: localHits }, ...groupSections]
  const results = sections.flatMap((section) => section.results)
  const openResult = (result: Destination | undefined) => {
    if (!result) return
    onClose()
    void navigate({ to: result.to, params: result.params, search: result.search } as never)
  }
  const { activeIndex, inputProps, listProps, getOptionProps, onKeyDown, setActiveIndex } = useListbox(
    results.length,
    (index) => openResult(results[index]),
  )
  const handleKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && isWaiting && results.length === 0) setIsEnterPending(true)
    else onKeyDown(event)
  }
  const pendingResult = isEnterPending && !isWaiting ? results[0] : undefined
  const count = countMatches([...groups.map(({ total }) => total), { count: localHits.length, isEstimate: false }])
  const countText = count === '1' ? '1 result' : `${count.replace(/^a/, 'A')} results`
  const resultText = results.length === 0 ? `No results for “${query}”` : countText
  const errorText = error && query ? `Search failed. ${toProblem(error).message}` : undefined
  const loadedText = isPaused ? 'Offline: only pages and recent items.' : (errorText ?? resultText)
  const statusText = isWaiting ? 'Searching…' : loadedText
  useEffect(() => {
    if (pendingResult) openResult(pendingResult)
  })
  // Discards the keys if the dialog closes before its field has the focus.
  useEffect(() => () => void takeTypeAhead(), [])
  return (
    <Dialog onClose={onClose} title="Search" yOffset="10vh" transitionProps={{ duration: 0 }}>
      <TextInput
        data-autofocus
        aria-label="Search"
        placeholder="Search or jump to…"
        maxLength={200}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setIsEnterPending(false)
          setActiveIndex(0)
        }}
        onFocus={() => {
          const typedAhead = takeTypeAhead()
          if (typedAhead.text) setText((current) => current + typedAhead.text)
          if (typedAhead.isEntered) setIsEnterPending(true)
        }}
        onKeyDown={handleKeyDown}
        {...inputProps}
        aria-expanded
        leftSection={<Icon name="search" size={16} />}
      />
      <Text size="sm" c="dimmed" my="xs" role="status">
        {statusText}
      </Text>
      <Stack {...listProps} aria-label="Results" gap={2}>
        {sections.map(({ heading, results: sectionResults }, sectionIndex) => {
          const start = sections.slice(0, sectionIndex).reduce((sum, section) => sum + section.results.length, 0)
          return (
            <div key={heading} role={heading ? 'group' : 'presentation'} aria-label={heading || undefined}>
              {heading && (
                <Text size="sm" fw={600} mt="xs" px="xs" aria-hidden>
                  {heading}
                </Text>
              )}
              {sectionResults.map((result, i) => (
                <ResultOption
                  key={result.key}
                  result={result}
                  isActive={start + i === activeIndex}
                  optionProps={getOptionProps(start + i)}
                  onOpen={() => openResult(result)}
                />
              ))}
            </div>
          )
        })}
      </Stack>
    </Dialog>
  )
}

function destinationPath({ to, params = {} }: Destination): string {
  return to.replace(/\$(\w+)/g, (_, name: string) => params[name] ?? '')
}

/** A Section is the results under one heading; the local ones have none. */
interface Section {
  heading: string
  results: Destination[]
}

interface ResultOptionProps {
  result: Destination
  isActive: boolean
  optionProps: ReturnType<ReturnType<typeof useListbox>['getOptionProps']>
  onOpen: () => void
}

function ResultOption({ result, isActive, optionProps, onOpen }: ResultOptionProps) {
  return (
    <UnstyledButton
      {...optionProps}
      className={classes.option}
      ref={isActive ? scrollIntoView : undefined}
      onClick={onOpen}
    >
      <Group gap="sm" wrap="nowrap">
        <Icon name={result.icon} />
        <Text lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
          {result.label}
        </Text>
        <Text size="sm" c="dimmed" ml="auto" ta="end" lineClamp={2}>
          {result.hint}
        </Text>
      </Group>
    </UnstyledButton>
  )
}

function scrollIntoView(option: HTMLElement | null) {
  option?.scrollIntoView({ block: 'nearest' })
}
