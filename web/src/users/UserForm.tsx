import { Checkbox, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import { emptyToNull, FormActions, useFormFocus, useLeaveWarning } from '../components/form'
import type { RowFormProps } from '../components/RowDetails'
import { roles } from '../session/api'
import { risks, type UserFields, userFields, userLabels } from './api'

interface Props extends RowFormProps<UserFields> {
  /** True for a user who does not exist yet, who cannot be deactivated. */
  isNew?: boolean
}

/** UserForm edits a new or an existing user. */
export function UserForm({ initialValues, onSubmit, onCancel, isSaving = false, problem, isNew = false }: Props) {
  const form = useForm({
    mode: 'controlled',
    initialValues: {
      display_name: initialValues.display_name ?? '',
      username: initialValues.username ?? '',
      email: initialValues.email ?? '',
      country: initialValues.country ?? '',
      risk: initialValues.risk ?? ('' as const),
      role: initialValues.role ?? 'viewer',
      disabled: initialValues.disabled ?? false,
    },
  })
  useFormFocus(form, userFields, problem)
  useLeaveWarning((form.isDirty() || problem !== undefined) && !isSaving)
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(({ display_name, email, country, risk, ...otherValues }) =>
        onSubmit({
          ...otherValues,
          display_name: emptyToNull(display_name),
          email: emptyToNull(email),
          country: emptyToNull(country),
          risk: emptyToNull(risk),
        }),
      )}
    >
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label={userLabels.display_name}
            placeholder="As people know them"
            autoComplete="off"
            {...form.getInputProps('display_name')}
          />
          <TextInput
            label={userLabels.username}
            required
            autoCapitalize="none"
            spellCheck={false}
            autoComplete="off"
            {...form.getInputProps('username')}
          />
          <TextInput
            label={userLabels.email}
            type="email"
            autoComplete="off"
            {...form.getInputProps('email')}
          />
          <TextInput label={userLabels.country} {...form.getInputProps('country')} />
          <NativeSelect
            label={userLabels.risk}
            data={[{ value: '', label: 'Default (medium)' }, ...risks]}
            {...form.getInputProps('risk')}
          />
          <NativeSelect
            label={userLabels.role}
            data={roles.slice()}
            {...form.getInputProps('role')}
          />
        </SimpleGrid>
        {isNew ? null : (
          <Checkbox
            label={userLabels.disabled}
            description="Signs the user out and revokes all API tokens of the user."
            {...form.getInputProps('disabled', { type: 'checkbox' })}
          />
        )}
        <FormActions problem={problem} fields={userFields} isSaving={isSaving} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
