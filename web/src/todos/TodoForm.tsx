import { Autocomplete, SimpleGrid, Stack, Textarea } from '@mantine/core'
import { useForm } from '@mantine/form'

import { DateField } from '../components/DateField'
import { emptyToNull, FormActions, useFormFocus, useLeaveWarning } from '../components/form'
import { Picker } from '../components/Picker'
import type { RowFormProps } from '../components/RowDetails'
import { useComputerNames } from '../computers/ComputerLink'
import { useFreezerNames } from '../freezers/FreezerLink'
import { PersonPicker } from '../people/PersonPicker'
import { useSiteNames } from '../sites/SiteLink'
import { parseStatus, statuses, statusLabel, type TodoField, type TodoFields, todoFields, todoLabels } from './api'

const parseId = (text: string) => (text === '' ? null : Number(text))

/** TodoForm edits a new or an existing todo. */
export function TodoForm({ initialValues, onSubmit, onCancel, isSaving = false, problem }: RowFormProps<TodoFields>) {
  const form = useForm<Record<TodoField, string>>({
    mode: 'controlled',
    initialValues: Object.fromEntries(
      todoFields.map((name) => [
        name,
        name === 'status' ? statusLabel(initialValues.status ?? 'open') : String(initialValues[name] ?? ''),
      ]),
    ) as Record<TodoField, string>,
  })
  const links = [
    { name: 'site_id', kind: 'site', getName: useSiteNames() },
    { name: 'freezer_id', kind: 'freezer', getName: useFreezerNames() },
    { name: 'computer_id', kind: 'computer', getName: useComputerNames() },
  ] as const
  useFormFocus(form, todoFields, problem)
  useLeaveWarning((form.isDirty() || problem !== undefined) && !isSaving)
  const { assignee } = form.values
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) =>
        onSubmit({
          description: values.description,
          status: parseStatus(values.status),
          assignee: emptyToNull(values.assignee),
          due_on: emptyToNull(values.due_on),
          site_id: parseId(values.site_id),
          freezer_id: parseId(values.freezer_id),
          computer_id: parseId(values.computer_id),
          alert_id: emptyToNull(values.alert_id),
        }),
      )}
    >
      <Stack>
        <Textarea required rows={2} label={todoLabels.description} {...form.getInputProps('description')} />
        <SimpleGrid type="container" cols={{ base: 1, '480px': 2 }}>
          <Autocomplete
            required
            label={todoLabels.status}
            description="Choose a status or enter another"
            data={statuses.map(statusLabel)}
            {...form.getInputProps('status')}
          />
          <DateField label={todoLabels.due_on} {...form.getInputProps('due_on')} />
          <PersonPicker
            label={todoLabels.assignee}
            placeholder="Unassigned"
            emptyLabel="Unassigned"
            value={assignee === '' ? null : assignee}
            onChange={(username) => form.setFieldValue('assignee', username ?? '')}
            error={form.errors.assignee}
          />
          <Picker
            kind="alert"
            label={todoLabels.alert_id}
            placeholder="None"
            emptyLabel="None"
            selectedLabel={`Alert ${form.values.alert_id.slice(0, 8)}…`}
            {...form.getInputProps('alert_id')}
          />
          {links.map(({ name, kind, getName }) => (
            <Picker
              key={name}
              kind={kind}
              label={todoLabels[name]}
              placeholder="None"
              emptyLabel="None"
              selectedLabel={getName(Number(form.values[name]))}
              {...form.getInputProps(name)}
            />
          ))}
        </SimpleGrid>
        <FormActions problem={problem} fields={todoFields} isSaving={isSaving} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
