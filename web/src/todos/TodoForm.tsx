import { Button, Group, NativeSelect, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useInfiniteQuery } from '@tanstack/react-query'

import { FormEnd, nullable, useFormFocus } from '../components/form'
import type { FormProps } from '../components/RowDetails'
import { useSession } from '../session/api'
import { choices, statuses, type TodoField, type TodoFields, todoFields, todoLabels } from './api'

const number = (text: string) => (text === '' ? null : Number(text))

/** TodoForm edits a todo, a new one or one that is there. */
export function TodoForm({ start, submit, cancel, saving = false, problem }: FormProps<TodoFields>) {
  const me = useSession()?.username
  const form = useForm<Record<TodoField, string>>({
    mode: 'uncontrolled',
    initialValues: Object.fromEntries(todoFields.map((name) => [name, String(start[name] ?? (name === 'status' ? 'open' : ''))])) as Record<TodoField, string>,
  })
  useFormFocus(form, todoFields, problem)
  const field = (name: TodoField) => ({ label: todoLabels[name], ...form.getInputProps(name) })
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(({ description, status, assignee, due_on, site_id, freezer_id, computer_id, alert_id }) =>
        submit({
          description,
          status,
          assignee: nullable(assignee),
          due_on: nullable(due_on),
          site_id: number(site_id),
          freezer_id: number(freezer_id),
          computer_id: number(computer_id),
          alert_id: nullable(alert_id),
        }),
      )}
    >
      <Stack>
        <Textarea required rows={2} key={form.key('description')} {...field('description')} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput required list="statuses" autoComplete="off" description={`${statuses.join(', ')}, or any short text`} key={form.key('status')} {...field('status')} />
          <TextInput type="date" description="The day by which it is to be done" key={form.key('due_on')} {...field('due_on')} />
          <Group align="end" gap="xs" wrap="nowrap">
            <TextInput flex={1} autoCapitalize="none" spellCheck={false} key={form.key('assignee')} {...field('assignee')} />
            {me && (
              <Button variant="default" onClick={() => form.setFieldValue('assignee', me)}>
                Me
              </Button>
            )}
          </Group>
          <TextInput spellCheck={false} placeholder="Its id" key={form.key('alert_id')} {...field('alert_id')} />
          {(['site_id', 'freezer_id', 'computer_id'] as const).map((name) => (
            <Choice key={form.key(name)} name={name} start={start[name] ?? null} {...field(name)} />
          ))}
        </SimpleGrid>
        <datalist id="statuses">
          {statuses.map((status) => (
            <option key={status} value={status} />
          ))}
        </datalist>
        <FormEnd problem={problem} fields={todoFields} saving={saving} cancel={cancel} />
      </Stack>
    </form>
  )
}

/** Choice is a list of things to choose from. What a todo is about already stands in it at once. */
function Choice({ name, start, ...props }: { name: keyof typeof choices; start: number | null; label: string }) {
  const { data } = useInfiniteQuery(choices[name] as typeof choices.site_id)
  const rows: { id: number; name: string; site_id?: number }[] = data?.pages.flatMap((page) => page.rows) ?? []
  const known = rows.map(({ id, name, site_id }) => ({ value: String(id), label: site_id === undefined ? name : `${name}, site ${site_id} (${id})` }))
  if (start !== null && !rows.some(({ id }) => id === start)) known.unshift({ value: String(start), label: `Number ${start}` })
  return <NativeSelect data={[{ value: '', label: 'None' }, ...known]} {...props} />
}
