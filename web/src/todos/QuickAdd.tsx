import { Button, Group, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { useLeaveWarning } from '../components/form'
import { toast } from '../components/toast'
import { useSelectedSite } from '../sites/selectedSite'
import { createTodo } from './api'

/** QuickAdd creates a todo from its title alone. The other fields come later. */
export function QuickAdd({ assignee }: { assignee: string | null }) {
  const queryClient = useQueryClient()
  const { siteId } = useSelectedSite()
  const [description, setDescription] = useState('')
  const { mutate, isPending } = useMutation({
    mutationFn: () =>
      createTodo({
        description: description.trim(),
        status: 'open',
        assignee,
        due_on: null,
        site_id: siteId ?? null, // else the board of the site would not show it
        freezer_id: null,
        computer_id: null,
        alert_id: null,
      }),
    onSuccess: (todo) => {
      setDescription('')
      toast(`Added “${todo.description}”`)
    },
    onError: (error) => toast(toProblem(error).message, 'error'),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ['todos'] }),
  })
  useLeaveWarning(description.trim() !== '' && !isPending)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (description.trim()) mutate()
  }
  return (
    <form onSubmit={submit} aria-label="Quick add">
      <Group gap="xs" wrap="nowrap">
        <TextInput
          flex={1}
          aria-label="Title of a new todo"
          placeholder="Add a todo: type a title and press Enter"
          maxLength={10_000}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={isPending} disabled={description.trim() === ''}>
          Add
        </Button>
      </Group>
    </form>
  )
}
