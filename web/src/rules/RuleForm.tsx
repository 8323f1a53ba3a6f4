import { NativeSelect, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'

import type { Problem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { appliesToLabels, type Rule, ruleFields, ruleLabels } from './api'
import type { RuleFormValues } from './ruleSettings'

interface Props {
  /** Form ID, referenced by the submit button. */
  id: string
  rule: Rule
  form: UseFormReturnType<RuleFormValues>
  onSubmit: (settings: RuleFormValues) => void
  /** Problem of the last attempt to save. */
  problem: Problem | undefined
}

const appliesToOptions = (Object.keys(appliesToLabels) as Rule['applies_to'][]).map((value) => ({
  value,
  label: appliesToLabels[value],
}))

/** RuleForm edits the settings of a rule. Its buttons are below the preview. */
export function RuleForm({ id, rule, form, onSubmit, problem }: Props) {
  const fields = ruleFields(rule)
  useFormFocus(form, fields, problem)
  return (
    <form id={id} noValidate onSubmit={form.onSubmit(onSubmit)}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label={ruleLabels.title}
            required
            key={form.key('title')}
            {...form.getInputProps('title')}
            data-autofocus
          />
          <NativeSelect
            label={ruleLabels.applies_to}
            data={appliesToOptions}
            key={form.key('applies_to')}
            {...form.getInputProps('applies_to')}
          />
          <TextInput
            label={ruleLabels.limit}
            description="Low risk: twice the limit. High risk: half the limit, rounded down, plus 1."
            inputMode="decimal"
            required
            key={form.key('limit')}
            {...form.getInputProps('limit')}
          />
          {fields.includes('window_seconds') && (
            <TextInput
              label={ruleLabels.window_seconds}
              description="Same for all risk levels."
              inputMode="numeric"
              required
              key={form.key('window_seconds')}
              {...form.getInputProps('window_seconds')}
            />
          )}
        </SimpleGrid>
        <Switch label="Enabled" key={form.key('enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
        <ProblemAlert problem={problem} fields={fields} />
      </Stack>
    </form>
  )
}
