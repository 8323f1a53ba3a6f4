import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useRef } from 'react'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { findCode, maxMatches, openCode } from '../scan/openCode'
import { findUuid } from '../scan/parseCode'
import type { Destination } from '../search/destinations'
import { usePermission } from '../session/api'

/** ContainerLookup opens what an entered barcode identifies, like a scan on any screen. */
export function ContainerLookup() {
  const inputRef = useRef<HTMLInputElement>(null)
  const queryClient = useQueryClient()
  const router = useRouter()
  const { mutate, isPending } = useMutation({
    mutationFn: (text: string) => openCode([text], { queryClient, router }),
    onSuccess: () => inputRef.current?.select(), // the next entry replaces the text
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const text = inputRef.current?.value.trim()
    if (text) mutate(text)
  }
  return (
    <form onSubmit={submit} role="search" aria-label="Find a container">
      <Group gap="xs" wrap="nowrap">
        <TextInput
          ref={inputRef}
          aria-label="Scan or enter a barcode"
          placeholder="Scan or enter a barcode"
          autoComplete="off"
          spellCheck={false}
          leftSection={<Icon name="scan" size={16} />}
          w={220}
        />
        <Button type="submit" variant="default" loading={isPending}>
          Find
        </Button>
      </Group>
    </form>
  )
}

/** LookupMatches lists what the search parameter find matches. Scans and entries that match several rows set it. */
export function LookupMatches() {
  const queryClient = useQueryClient()
  const { find = '' } = useSearch({ strict: false })
  const uuid = findUuid(find)
  const { data, error } = useQuery({
    queryKey: ['find', find],
    queryFn: () => findCode(queryClient, uuid ? { uuid } : { text: find }),
    enabled: find !== '',
  })
  if (find === '') return null
  return (
    <>
      <div role="status">
        {data?.length === 0 && <NoMatch find={find} uuid={uuid} />}
        {data && data.length > 0 && <MatchList matches={data} />}
      </div>
      {error && <ProblemAlert problem={toProblem(error)} />}
    </>
  )
}

function NoMatch({ find, uuid }: { find: string; uuid: string | undefined }) {
  const canEdit = usePermission('operator')
  return (
    <Text size="sm">
      {uuid ? `No container has the barcode ${uuid}. ` : `No match for ${find}. `}
      {(uuid || isCode(find)) && canEdit && (
        <TextLink to="/containers/new" search={{ barcode: uuid ?? find }} underline="always">
          Create container
        </TextLink>
      )}
    </Text>
  )
}

/** isCode reports whether a text may be a barcode: one word with a digit. */
const isCode = (text: string) => /^\S*\d\S*$/.test(text)

function MatchList({ matches }: { matches: Destination[] }) {
  const isAmbiguous = (label: string, hint: string) =>
    matches.filter((match) => match.label === label && match.hint === hint).length > 1
  const countText = matches.length === 1 ? '1 match:' : `${matches.length} matches:`
  return (
    <Text size="sm" component="div">
      {matches.length === maxMatches ? `First ${maxMatches} matches:` : countText}
      <Stack component="ul" gap="xs" mt="xs" mb={0}>
        {matches.map(({ key, label, hint, to, params = {} }) => (
          <li key={key}>
            <TextLink {...({ to, params } as { to: '/' })} display="inline-block" mih={24}>
              {label}
            </TextLink>{' '}
            <Text span size="sm" c="dimmed">
              {[hint, ...(isAmbiguous(label, hint) ? Object.values(params) : [])].join(', ')}
            </Text>
          </li>
        ))}
      </Stack>
    </Text>
  )
}
