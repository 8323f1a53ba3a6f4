import { Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useId, useState } from 'react'

import { Dialog } from '../parts/Dialog'
import { Icon } from '../parts/icons'
import { includes, useSession } from '../session/api'
import { menu } from '../shell/menu'
import style from './SearchDialog.module.css'
import { type Hit, sources } from './sources'

/** SearchDialog finds screens by their names, and what is stored by name, number or uuid: Cmd-K. */
export function SearchDialog({ close }: { close: () => void }) {
  const [text, setText] = useState('')
  const [wanted] = useDebouncedValue(text.trim(), 200)
  const [at, setAt] = useState(0)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const session = useSession()
  const id = useId()
  const { data = [], isFetching } = useQuery({
    queryKey: ['search', wanted],
    enabled: wanted !== '',
    queryFn: async ({ signal }) => {
      const found = await Promise.allSettled(sources.map((source) => source(wanted, queryClient, signal)))
      return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    },
  })
  const screens: Hit[] = menu
    .filter(({ label, role }) => label.toLowerCase().includes(text.trim().toLowerCase()) && (!role || includes(session?.role, role)))
    .map(({ label, icon, to }) => ({ key: to, label, icon, to, hint: 'Screen' }))
  const hits = [...screens, ...data]
  const chosen = Math.min(at, hits.length - 1)
  const go = (hit: Hit | undefined) => {
    if (!hit) return
    close()
    void navigate({ to: hit.to, params: (hit.params ?? {}) as never })
  }
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && hits.length > 0) setAt((chosen + step + hits.length) % hits.length)
    else if (event.key === 'Enter') go(hits[chosen])
    else return
    event.preventDefault()
  }
  return (
    <Dialog onClose={close} title="Search" yOffset="10vh" transitionProps={{ duration: 0 }}>
      <TextInput
        data-autofocus
        aria-label="Search"
        placeholder="A screen, a name or a number"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={press}
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={hits[chosen] ? `${id}-${chosen}` : undefined}
        leftSection={<Icon name="search" size={16} />}
      />
      <Text size="sm" c="dimmed" my="xs" role="status">
        {isFetching ? 'Searching…' : wanted && hits.length === 0 ? 'Nothing has that name or number.' : `${hits.length} found`}
      </Text>
      <Stack id={id} role="listbox" aria-label="Found" gap={2}>
        {hits.map((hit, i) => (
          <UnstyledButton key={hit.key} id={`${id}-${i}`} role="option" aria-selected={i === chosen} tabIndex={-1} className={style.hit} onClick={() => go(hit)} onMouseMove={() => setAt(i)}>
            <Group gap="sm" wrap="nowrap">
              <Icon name={hit.icon} />
              <Text>{hit.label}</Text>
              <Text size="sm" c="dimmed" ml="auto">
                {hit.hint}
              </Text>
            </Group>
          </UnstyledButton>
        ))}
      </Stack>
    </Dialog>
  )
}
