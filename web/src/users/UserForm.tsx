import { Checkbox, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import { emptyToNull, FormActions, useFormFocus } from '../components/form'
import type { RowFormProps } from '../components/RowDetails'
import { roles } from '../session/api'
import { risks, type UserFields, userFields, userLabels } from './api'

/** UserForm edits a new or an existing user. */
export function UserForm({ initialValues, onSubmit, onCancel, isSaving = false, problem }: RowFormProps<UserFields>) {
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: {
      username: initialValues.username ?? '',
      country: initialValues.country ?? '',
      risk: initialValues.risk ?? ('' as const),
      role: initialValues.role ?? 'viewer',
      disabled: initialValues.disabled ?? false,
    },
  })
  useFormFocus(form, userFields, problem)
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(({ country, risk, ...otherValues }) =>
        onSubmit({ ...otherValues, country: emptyToNull(country), risk: emptyToNull(risk) }),
      )}
    >
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label={userLabels.username}
            required
            autoCapitalize="none"
            spellCheck={false}
            autoComplete="off"
            key={form.key('username')}
            {...form.getInputProps('username')}
          />
          <TextInput label={userLabels.country} key={form.key('country')} {...form.getInputProps('country')} />
          <NativeSelect
            label={userLabels.risk}
            data={[{ value: '', label: 'Default (medium)' }, ...risks]}
            key={form.key('risk')}
            {...form.getInputProps('risk')}
          />
          <NativeSelect
            label={userLabels.role}
            data={roles.slice()}
            key={form.key('role')}
            {...form.getInputProps('role')}
          />
        </SimpleGrid>
        <Checkbox
          label={userLabels.disabled}
          description="Signs the user out and revokes their API tokens."
          key={form.key('disabled')}
          {...form.getInputProps('disabled', { type: 'checkbox' })}
        />
        <FormActions problem={problem} fields={userFields} isSaving={isSaving} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
