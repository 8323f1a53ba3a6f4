import { SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import type { Kind } from '../search/api'
import { FormEnd, nullable, useFormFocus } from './form'
import { Picker } from './Picker'
import type { FormProps } from './RowDetails'

/** A Field of a form. */
export interface Field {
  name: string
  label: string
  required?: boolean
  /** The field holds the number of a thing of this kind. */
  picks?: Kind
  /** What the thing is called that is chosen at first. */
  called?: string | undefined
  description?: string
  /** What a browser may fill in, in its words. */
  autoComplete?: string
}

interface Props<F> extends FormProps<F> {
  fields: readonly Field[]
}

/** RowForm edits the fields of a row, a new one or one that is there. */
export function RowForm<F extends object>({ fields, start, submit, cancel, saving = false, problem }: Props<F>) {
  const names = fields.map(({ name }) => name)
  const begin = start as Record<string, unknown>
  const form = useForm<Record<string, string>>({
    mode: 'uncontrolled',
    initialValues: Object.fromEntries(names.map((name) => [name, String(begin[name] ?? '')])),
  })
  useFormFocus(form, names, problem)
  const value = ({ required, picks }: Field, text: string) => {
    if (picks) return text === '' ? null : Number(text)
    return required ? text : nullable(text)
  }
  return (
    <form noValidate onSubmit={form.onSubmit((values) => submit(Object.fromEntries(fields.map((field) => [field.name, value(field, values[field.name] ?? '')])) as F))}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {fields.map(({ name, label, required = false, picks, called, description, autoComplete }) =>
            picks ? (
              <Picker key={form.key(name)} only={picks} label={label} required={required} called={called} {...form.getInputProps(name)} />
            ) : (
              <TextInput key={form.key(name)} label={label} required={required} description={description} autoComplete={autoComplete} {...form.getInputProps(name)} />
            ),
          )}
        </SimpleGrid>
        <FormEnd problem={problem} fields={names} saving={saving} cancel={cancel} />
      </Stack>
    </form>
  )
}
