import { SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import type { EntityKind } from '../search/api'
import { emptyToNull, FormActions, textToNumber, useFormFocus, useLeaveWarning } from './form'
import { Picker } from './Picker'
import type { RowFormProps } from './RowDetails'

/** FormField describes one field of a form. */
export interface FormField {
  name: string
  label: string
  required?: boolean
  /** The field holds the ID of an item of this kind. */
  pickerKind?: EntityKind
  /** Name of the initially selected item. */
  pickerLabel?: string | undefined
  description?: string
  /** The field is a number; text that is none is left to the server to reject. */
  isNumber?: boolean
  /** The HTML autocomplete attribute. */
  autoComplete?: string
  /** A scan with the focus in the field fills it, and opens nothing. */
  acceptsScan?: boolean
}

interface Props<F> extends RowFormProps<F> {
  fields: readonly FormField[]
}

/** RowForm edits the fields of a new or existing row. */
export function RowForm<F extends object>({
  fields,
  initialValues,
  onSubmit,
  onCancel,
  isSaving = false,
  problem,
}: Props<F>) {
  const fieldNames = fields.map(({ name }) => name)
  const initial = initialValues as Record<string, unknown>
  const form = useForm<Record<string, string>>({
    mode: 'controlled',
    initialValues: Object.fromEntries(fieldNames.map((name) => [name, String(initial[name] ?? '')])),
  })
  useFormFocus(form, fieldNames, problem)
  useLeaveWarning((form.isDirty() || problem !== undefined) && !isSaving)
  const parseValue = ({ required, pickerKind, isNumber }: FormField, text: string) => {
    if (pickerKind) return text === '' ? null : Number(text)
    if (isNumber) return textToNumber(text)
    return required ? text : emptyToNull(text)
  }
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) =>
        onSubmit(
          Object.fromEntries(fields.map((field) => [field.name, parseValue(field, values[field.name] ?? '')])) as F,
        ),
      )}
    >
      <Stack>
        <SimpleGrid type="container" cols={{ base: 1, '480px': 2 }}>
          {fields.map(({ name, label, required = false, pickerKind, pickerLabel, acceptsScan, isNumber, ...inputProps }) =>
            pickerKind ? (
              <Picker
                key={name}
                kind={pickerKind}
                label={label}
                required={required}
                emptyLabel={required ? undefined : 'None'}
                selectedLabel={form.isDirty(name) ? undefined : pickerLabel}
                {...form.getInputProps(name)}
              />
            ) : (
              <TextInput
                key={name}
                label={label}
                required={required}
                data-scan={acceptsScan ? 'accept' : undefined}
                inputMode={isNumber ? 'numeric' : undefined}
                {...inputProps}
                {...form.getInputProps(name)}
              />
            ),
          )}
        </SimpleGrid>
        <FormActions problem={problem} fields={fieldNames} isSaving={isSaving} onCancel={onCancel} />
      </Stack>
    </form>
  )
}
