import { Button, Group, NativeSelect, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useInfiniteQuery } from '@tanstack/react-query'

import { emptyToNull, FormActions, useFormFocus } from '../components/form'
import type { RowFormProps } from '../components/RowDetails'
import { useSession } from '../session/api'
import { linkChoices, statuses, type TodoField, type TodoFields, todoFields, todoLabels } from './api'

const parseId = (text: string) => (text === '' ? null : Number(text))

/** TodoForm edits a new or an existing todo. */
export function TodoForm({ initialValues, onSubmit, onCancel, isSaving = false, problem }: RowFormProps<TodoFields>) {
  const username = useSession()?.username
  const form = useForm<Record<TodoField, string>>({
    mode: 'uncontrolled',
    initialValues: Object.fromEntries(
      todoFields.map((name) => [name, String(initialValues[name] ?? (name === 'status' ? 'open' : ''))]),
    ) as Record<TodoField, string>,
  })
  useFormFocus(form, todoFields, problem)
  const fieldProps = (name: TodoField) => ({ label: todoLabels[name], ...form.getInputProps(name) })
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(({ description, status, assignee, due_on, site_id, freezer_id, computer_id, alert_id }) =>
        onSubmit({
          description,
          status,
          assignee: emptyToNull(assignee),
          due_on: emptyToNull(due_on),
          site_id: parseId(site_id),
          freezer_id: parseId(freezer_id),
          computer_id: parseId(computer_id),
          alert_id: emptyToNull(alert_id),
        }),
      )}
    >
      <Stack>
        <Textarea required rows={2} key={form.key('description')} {...fieldProps('description')} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            required
            list="statuses"
            autoComplete="off"
            description={`${statuses.join(', ')} or a status of your own`}
            key={form.key('status')}
            {...fieldProps('status')}
          />
          <TextInput type="date" description="Optional" key={form.key('due_on')} {...fieldProps('due_on')} />
          <Group align="end" gap="xs" wrap="nowrap">
            <TextInput
              flex={1}
              autoCapitalize="none"
              spellCheck={false}
              key={form.key('assignee')}
              {...fieldProps('assignee')}
            />
            {username && (
              <Button variant="default" onClick={() => form.setFieldValue('assignee', username)}>
                Assign to me
              </Button>
            )}
          </Group>
          <TextInput spellCheck={false} placeholder="Alert ID" key={form.key('alert_id')} {...fieldProps('alert_id')} />
          {(['site_id', 'freezer_id', 'computer_id'] as const).map((name) => (
            <LinkSelect
              key={form.key(name)}
              name={name}
              initialId={initialValues[name] ?? null}
              {...fieldProps(name)}
            />
          ))}
        </SimpleGrid>
        <datalist id="statuses">
          {statuses.map((status) => (
            <option key={status} value={status} />
          ))}
        </datalist>
        <FormActions problem={problem} fields={todoFields} isSaving={isSaving} onCancel={onCancel} />
      </Stack>
    </form>
  )
}

/** LinkSelect selects a linked item. The current item is an option before the list has loaded. */
function LinkSelect({
  name,
  initialId,
  ...props
}: {
  name: keyof typeof linkChoices
  initialId: number | null
  label: string
}) {
  const { data } = useInfiniteQuery(linkChoices[name] as typeof linkChoices.site_id)
  const rows: { id: number; name: string; site_id?: number }[] = data?.pages.flatMap((page) => page.rows) ?? []
  const options = rows.map(({ id, name, site_id }) => ({
    value: String(id),
    label: site_id === undefined ? name : `${name}, site ${site_id} (ID ${id})`,
  }))
  if (initialId !== null && !rows.some(({ id }) => id === initialId)) {
    options.unshift({ value: String(initialId), label: `${props.label} ${initialId}` })
  }
  return <NativeSelect data={[{ value: '', label: 'None' }, ...options]} {...props} />
}
