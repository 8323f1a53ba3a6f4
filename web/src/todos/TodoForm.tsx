import { Button, Group, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import { emptyToNull, FormActions, useFormFocus } from '../components/form'
import { Picker } from '../components/Picker'
import type { RowFormProps } from '../components/RowDetails'
import { useComputerNames } from '../computers/ComputerLink'
import { useFreezerNames } from '../freezers/FreezerLink'
import { useSession } from '../session/api'
import { useSiteNames } from '../sites/SiteLink'
import { statuses, type TodoField, type TodoFields, todoFields, todoLabels } from './api'

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
  const links = [
    { name: 'site_id', kind: 'site', getName: useSiteNames() },
    { name: 'freezer_id', kind: 'freezer', getName: useFreezerNames() },
    { name: 'computer_id', kind: 'computer', getName: useComputerNames() },
  ] as const
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
          {links.map(({ name, kind, getName }) => (
            <Picker
              key={form.key(name)}
              kind={kind}
              placeholder="None"
              selectedLabel={getName(initialValues[name] ?? 0)}
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
