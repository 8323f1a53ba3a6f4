import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useRef } from 'react'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { Icon } from '../components/icons'
import { TextLink } from '../components/links'
import { searchQuery } from '../search/api'
import { usePermission } from '../session/api'
import { containerQuery } from './api'
import { extractUuid } from './extractUuid'
import { useBarcodeScanner } from './useBarcodeScanner'

/**
 * ContainerLookup opens the container with a scanned or typed barcode. A scanner types the barcode and presses Enter,
 * regardless of the focus.
 */
export function ContainerLookup() {
  const inputRef = useRef<HTMLInputElement>(null)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const canEdit = usePermission('operator')
  const { mutate, isPending, data, error, variables } = useMutation({
    mutationFn: async (text: string) => {
      const uuid = extractUuid(text)
      if (!uuid)
        return (await queryClient.fetchQuery(searchQuery(text, { kind: 'container', limit: 10 }))).map(
          ({ key, title }) => ({ uuid: key, title }),
        )
      try {
        await queryClient.fetchQuery(containerQuery(uuid))
      } catch (reason) {
        if (toProblem(reason).status !== 404) throw reason
        return []
      }
      return [{ uuid, title: uuid }]
    },
    onSuccess: (matches) => {
      if (matches.length === 1 && matches[0])
        void navigate({ to: '/containers/$uuid', params: { uuid: matches[0].uuid } })
      inputRef.current?.select() // the next scan replaces the text
    },
  })
  useBarcodeScanner(inputRef)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const text = inputRef.current?.value.trim()
    if (text) mutate(text)
  }
  const unknownUuid = data?.length === 0 ? extractUuid(variables ?? '') : undefined
  return (
    <form onSubmit={submit} role="search" aria-label="Find a container">
      <Stack gap="xs">
        <Group align="end" gap="sm">
          <TextInput
            ref={inputRef}
            label="Scan or enter a barcode"
            placeholder="Barcode or part of the description"
            autoComplete="off"
            spellCheck={false}
            leftSection={<Icon name="search" size={16} />}
            w={{ base: '100%', xs: 400 }}
          />
          <Button type="submit" variant="default" loading={isPending}>
            Find
          </Button>
        </Group>
        <div role="status">
          {data?.length === 0 && (
            <Text size="sm">
              No container {unknownUuid ? 'has the barcode' : 'matches'} {unknownUuid ?? variables}.{' '}
              {unknownUuid && canEdit && (
                <TextLink to="/containers/new" search={{ uuid: unknownUuid }} underline="always">
                  Create container
                </TextLink>
              )}
            </Text>
          )}
          {data && data.length > 1 && (
            <Text size="sm" component="div">
              {data.length === 10 ? 'First 10 containers:' : `${data.length} containers:`}
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
        {error && <ProblemAlert problem={toProblem(error)} />}
      </Stack>
    </form>
  )
}
