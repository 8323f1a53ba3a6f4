import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useRef } from 'react'

import { asProblem } from '../api/problem'
import { ProblemNote } from '../components/form'
import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { searchQuery } from '../search/api'
import { useMay } from '../session/api'
import { containerQuery } from './api'
import { useScanner } from './useBarcodeScanner'
import { uuidIn } from './extractUuid'

/** FindContainer leads to the container whose label is scanned or typed: a scanner types it and presses Enter, wherever the focus is. */
export function FindContainer() {
  const field = useRef<HTMLInputElement>(null)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const may = useMay('operator')
  const { mutate, isPending, data, error, variables } = useMutation({
    mutationFn: async (text: string) => {
      const uuid = uuidIn(text)
      if (!uuid) return (await queryClient.fetchQuery(searchQuery(text, { only: 'container', limit: 10 }))).map(({ key, title }) => ({ uuid: key, title }))
      try {
        await queryClient.fetchQuery(containerQuery(uuid))
      } catch (thrown) {
        if (asProblem(thrown).status !== 404) throw thrown
        return []
      }
      return [{ uuid, title: uuid }]
    },
    onSuccess: (found) => {
      if (found.length === 1 && found[0]) void navigate({ to: '/containers/$uuid', params: { uuid: found[0].uuid } })
      field.current?.select() // the next scan takes its place
    },
  })
  useScanner(field)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim()
    if (text) mutate(text)
  }
  const missing = data?.length === 0 ? uuidIn(variables ?? '') : undefined
  return (
    <form onSubmit={submit} role="search" aria-label="By its label">
      <Stack gap="xs">
        <Group align="end" gap="sm">
          <TextInput ref={field} label="Scan or type a label" placeholder="A uuid, or how it begins" autoComplete="off" spellCheck={false} leftSection={<Icon name="search" size={16} />} w={{ base: '100%', xs: 400 }} />
          <Button type="submit" variant="default" loading={isPending}>
            Find
          </Button>
        </Group>
        <div role="status">
          {data?.length === 0 && (
            <Text size="sm">
              No container has {missing ? 'the label ' : ''}
              {missing ?? variables}.{' '}
              {missing && may && (
                <TextLink to="/containers/new" search={{ uuid: missing }} underline="always">
                  Create it
                </TextLink>
              )}
            </Text>
          )}
          {data && data.length > 1 && (
            <Text size="sm" component="div">
              {data.length === 10 ? 'The first 10:' : `${data.length} containers:`}
              <Stack component="ul" gap="xs" mt="xs" mb={0}>
                {data.map(({ uuid, title }) => (
                  <li key={uuid}>
                    <TextLink to="/containers/$uuid" params={{ uuid }} display="inline-block" mih={24}>
                      {title}
                    </TextLink>
                  </li>
                ))}
              </Stack>
            </Text>
          )}
        </div>
        {error && <ProblemNote problem={asProblem(error)} />}
      </Stack>
    </form>
  )
}
