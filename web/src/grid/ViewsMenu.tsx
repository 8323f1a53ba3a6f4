import { ActionIcon, Button, Checkbox, Group, Popover, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { Icon } from '../components/icons'
import { toast } from '../components/toast'
import { usePersonName } from '../people/PersonName'
import { usePermission, useSession } from '../session/api'
import classes from './DataGrid.module.css'
import type { GridState } from './gridState'
import { createView, deleteView, isSameQuery, shareView, type View, viewQuery, viewsQuery } from './savedViews'
import type { ListDefinition } from './types'
import type { GridActions } from './useGridState'

interface Props<T> {
  definition: ListDefinition<T>
  state: GridState<T>
  actions: GridActions
}

/** ViewsMenu shows, saves, shares and deletes the views of a list. */
export function ViewsMenu<T>({ definition, state, actions }: Props<T>) {
  const [isOpen, setIsOpen] = useState(false)
  const { data } = useQuery({ ...viewsQuery(definition.noun), enabled: isOpen })
  const query = viewQuery(definition, state)
  const views = data?.rows ?? []
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          rightSection={<Icon name="chevronDown" size={14} />}
          onClick={() => setIsOpen(!isOpen)}
        >
          Views
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Views">
        <Stack gap="sm" className={classes.form}>
          {data && views.length === 0 && (
            <Text size="sm" c="dimmed">
              No saved views for this list
            </Text>
          )}
          {views.length > 0 && (
            <Stack component="ul" gap={4} m={0} p={0} style={{ listStyle: 'none' }}>
              {views.map((view) => (
                <ViewItem
                  key={view.id}
                  view={view}
                  isShown={isSameQuery(view.query, query)}
                  onShow={() => {
                    setIsOpen(false)
                    actions.showView(view.query)
                  }}
                />
              ))}
            </Stack>
          )}
          <SaveView noun={definition.noun} query={query} />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

/** useViewWrite runs a write and refreshes the views. */
function useViewWrite<V>(write: (variables: V) => Promise<unknown>, onSuccess: (variables: V) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: write,
    onSuccess: (_, variables) => onSuccess(variables),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['views'] }),
  })
}

function ViewItem({ view, isShown, onShow }: { view: View; isShown: boolean; onShow: () => void }) {
  const isAdmin = usePermission('admin')
  const personName = usePersonName()
  const isOwner = useSession()?.username === view.owner
  const share = useViewWrite(
    (shared: boolean) => shareView(view, shared),
    (shared) => toast(shared ? `Shared ${view.name}` : `${view.name} is no longer shared`),
  )
  const remove = useViewWrite(
    () => deleteView(view),
    () => toast(`Deleted ${view.name}`),
  )
  const error = share.error ?? remove.error
  return (
    <li>
      <Group gap={4} wrap="nowrap">
        <Button
          variant={isShown ? 'light' : 'subtle'}
          aria-current={isShown || undefined}
          onClick={onShow}
          flex={1}
          justify="start"
          miw={0}
        >
          {view.name}
        </Button>
        {(isOwner || isAdmin) && (
          <>
            <Button variant="subtle" size="compact-sm" onClick={() => share.mutate(!view.shared)}>
              {view.shared ? 'Stop sharing' : 'Share'}
            </Button>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Delete view ${view.name}`}
              onClick={() => remove.mutate(undefined)}
            >
              <Icon name="close" size={16} />
            </ActionIcon>
          </>
        )}
      </Group>
      {view.shared && !isOwner && (
        <Text size="xs" c="dimmed" pl="md">
          Shared by {personName(view.owner)}
        </Text>
      )}
      <ProblemAlert problem={error ? toProblem(error) : undefined} />
    </li>
  )
}

function SaveView({ noun, query }: { noun: string; query: string }) {
  const [name, setName] = useState('')
  const [isShared, setIsShared] = useState(false)
  const { mutate, isPending, error, reset } = useViewWrite(createView, (view: { name: string }) => {
    setName('')
    setIsShared(false)
    toast(`Saved view ${view.name}`)
  })
  const problem = error ? toProblem(error) : undefined
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    mutate({ name: name.trim(), noun, query, shared: isShared })
  }
  if (query === '')
    return (
      <Text size="sm" c="dimmed">
        Search, filter or sort the list to save it as a view.
      </Text>
    )
  return (
    <form onSubmit={handleSubmit}>
      <Stack gap="xs">
        <TextInput
          label="Save as view"
          placeholder="Name"
          maxLength={100}
          value={name}
          error={problem?.messagesByField.name}
          onChange={(event) => {
            setName(event.currentTarget.value)
            reset()
          }}
        />
        <ProblemAlert problem={problem} fields={['name']} />
        <Group justify="space-between">
          <Checkbox
            label="Share with all users"
            checked={isShared}
            onChange={(event) => setIsShared(event.currentTarget.checked)}
          />
          <Button type="submit" loading={isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
