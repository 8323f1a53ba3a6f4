import { Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useState } from 'react'

import { asProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { Icon } from '../components/icons'
import { useListbox } from '../components/useListbox'
import style from '../components/listbox.module.css'
import { includes, useSession } from '../session/api'
import { searchQuery } from './api'
import { local, type Place, placeOf } from './destinations'
import { recent } from './recentVisits'
import { typedAhead } from './typeAhead'

/** SearchDialog leads anywhere: to screens, to what one can do, to where one was lately, and to all that is stored: Cmd-K. */
export function SearchDialog({ close }: { close: () => void }) {
  const [text, setText] = useState('')
  const [entered, enter] = useState(false) // Enter was pressed before there was an answer: the best is opened when it comes
  const wanted = text.trim()
  const [asked] = useDebouncedValue(wanted, 150)
  const navigate = useNavigate()
  const { routesByPath } = useRouter()
  const { pathname } = useLocation()
  const session = useSession()
  const [visits] = useState(() => recent(session?.username ?? '').filter(({ path }) => path !== pathname))
  const { data, error, isFetching, isPaused } = useQuery(searchQuery(asked))
  const waiting = wanted !== '' && (asked !== wanted || isFetching)
  const hits = wanted === '' || waiting ? [] : (data ?? []).flatMap((hit) => placeOf(hit, (to) => to in routesByPath) ?? [])
  const known = local(wanted, visits).filter(({ role }) => !role || includes(session?.role, role))
  const places = [...known, ...hits.filter((hit) => !known.some((place) => place.key === `recent ${pathTo(hit)}`))]
  const go = (place: Place | undefined) => {
    if (!place) return
    close()
    void navigate({ to: place.to, params: place.params } as never)
  }
  const { chosen, field, list, option, press, go: move } = useListbox(places.length, (i) => go(places[i]))
  const keyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && waiting && places.length === 0) enter(true)
    else press(event)
  }
  const best = entered && !waiting ? places[0] : undefined
  useEffect(() => {
    if (best) go(best)
  })
  useEffect(() => () => void typedAhead(), []) // it went before it had the focus
  return (
    <Dialog onClose={close} title="Search" yOffset="10vh" transitionProps={{ duration: 0 }}>
      <TextInput
        data-autofocus
        aria-label="Search"
        placeholder="A screen, a name or a label"
        maxLength={200}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          enter(false)
          move(0)
        }}
        onFocus={() => {
          const ahead = typedAhead()
          if (ahead.text) setText((known) => known + ahead.text)
          if (ahead.entered) enter(true)
        }}
        onKeyDown={keyDown}
        {...field}
        aria-expanded
        leftSection={<Icon name="search" size={16} />}
      />
      <Text size="sm" c="dimmed" my="xs" role="status">
        {waiting ? 'Searching…' : isPaused ? 'You are offline: only screens and where one was are found.' : error && wanted ? `The search failed. ${asProblem(error).message}` : places.length === 0 ? 'Nothing has that in it.' : `${places.length} found`}
      </Text>
      <Stack {...list} aria-label="Found" gap={2}>
        {places.map((place, i) => (
          <UnstyledButton key={place.key} {...option(i)} className={style.option} ref={i === chosen ? reveal : undefined} onClick={() => go(place)}>
            <Group gap="sm" wrap="nowrap">
              <Icon name={place.icon} />
              <Text lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
                {place.label}
              </Text>
              <Text size="sm" c="dimmed" ml="auto" ta="end" lineClamp={2}>
                {place.hint}
              </Text>
            </Group>
          </UnstyledButton>
        ))}
      </Stack>
    </Dialog>
  )
}

function pathTo({ to, params = {} }: Place): string {
  return to.replace(/\$(\w+)/g, (_, name: string) => params[name] ?? '')
}

function reveal(option: HTMLElement | null) {
  option?.scrollIntoView({ block: 'nearest' })
}
