import { Button, Group, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'

import type { Problem } from '../api/problem'
import { nullable, ProblemNote, useFormFocus } from '../parts/form'
import { type SiteField, type SiteFields, siteFields, siteLabels } from './api'

interface Props {
  /** What stands in the fields at first. */
  start: Partial<SiteFields>
  submit: (fields: SiteFields) => void
  cancel: () => void
  saving?: boolean
  /** What the server said to the last try. */
  problem: Problem | undefined
}

/** SiteForm edits the fields of a site, a new one or one that is there. */
export function SiteForm({ start, submit, cancel, saving = false, problem }: Props) {
  const form = useForm<Record<SiteField, string>>({
    mode: 'uncontrolled',
    initialValues: Object.fromEntries(siteFields.map((name) => [name, start[name] ?? ''])) as Record<SiteField, string>,
  })
  useFormFocus(form, siteFields, problem)
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        const { name, ...others } = values
        submit({ name, ...(Object.fromEntries(Object.entries(others).map(([field, text]) => [field, nullable(text)])) as Omit<SiteFields, 'name'>) })
      })}
    >
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {siteFields.map((name) => (
            <TextInput key={form.key(name)} label={siteLabels[name]} required={name === 'name'} {...form.getInputProps(name)} />
          ))}
        </SimpleGrid>
        <ProblemNote problem={problem} fields={siteFields} />
        <Group>
          <Button type="submit" loading={saving}>
            Save
          </Button>
          <Button variant="default" onClick={cancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
