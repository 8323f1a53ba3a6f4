import { Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { Icon } from '../components/icons'
import classes from '../components/listbox.module.css'
import { useListbox } from '../components/useListbox'
import { hasRole, useSession } from '../session/api'
import { searchQuery } from './api'
import { type Destination, hitDestination, localDestinations } from './destinations'
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
  const { routesByPath } = useRouter()
  const { pathname } = useLocation()
  const session = useSession()
  const [visits] = useState(() => getRecentVisits(session?.username ?? '').filter(({ path }) => path !== pathname))
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(debouncedQuery))
  const isWaiting = query !== '' && (debouncedQuery !== query || isFetching)
  const hits =
    query === '' || isWaiting
      ? []
      : (data ?? []).flatMap((hit) => hitDestination(hit, (to) => to in routesByPath) ?? [])
  const localHits = localDestinations(query, visits).filter(({ role }) => !role || hasRole(session?.role, role))
  const results = [
    ...localHits,
    ...hits.filter((hit) => !localHits.some((result) => result.key === `recent ${destinationPath(hit)}`)),
  ]
  const openResult = (result: Destination | undefined) => {
    if (!result) return
    onClose()
    void navigate({ to: result.to, params: result.params } as never)
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
  const countText = results.length === 1 ? '1 result' : `${results.length} results`
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
        {results.map((result, index) => (
          <UnstyledButton
            key={result.key}
            {...getOptionProps(index)}
            className={classes.option}
            ref={index === activeIndex ? scrollIntoView : undefined}
            onClick={() => openResult(result)}
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
        ))}
      </Stack>
    </Dialog>
  )
}

function destinationPath({ to, params = {} }: Destination): string {
  return to.replace(/\$(\w+)/g, (_, name: string) => params[name] ?? '')
}

function scrollIntoView(option: HTMLElement | null) {
  option?.scrollIntoView({ block: 'nearest' })
}
