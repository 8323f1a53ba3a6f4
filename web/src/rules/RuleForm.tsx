import { NativeSelect, Stack, Switch, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'

import { severities } from '../alerts/api'
import type { Problem } from '../api/problem'
import { ProblemAlert, useFormFocus } from '../components/form'
import { appliesToLabels, type Rule, type RuleField, ruleLabels } from './api'
import { RiskLimits } from './RiskLimits'
import type { RuleFormValues } from './ruleSettings'

interface Props {
  /** Form ID, referenced by the submit button. */
  id: string
  rule: Rule
  fields: RuleField[]
  form: UseFormReturnType<RuleFormValues>
  onSubmit: (settings: RuleFormValues) => void
  /** Problem of the last attempt to save. */
  problem: Problem | undefined
}

const appliesToOptions = (Object.keys(appliesToLabels) as Rule['applies_to'][]).map((value) => ({
  value,
  label: appliesToLabels[value],
}))

/** RuleForm edits the settings of a rule. The limit is first, so that a user can type it at once. */
export function RuleForm({ id, rule, fields, form, onSubmit, problem }: Props) {
  useFormFocus(form, fields, problem)
  return (
    <form id={id} noValidate onSubmit={form.onSubmit(onSubmit)}>
      <Stack gap="sm">
        <Stack gap={6}>
          <TextInput
            label={ruleLabels.limit}
            inputMode="decimal"
            autoComplete="off"
            required
            onFocus={(event) => event.currentTarget.select()}
            {...form.getInputProps('limit', { withFocus: false })}
          />
          <RiskLimits code={rule.code} limit={form.values.limit} />
        </Stack>
        {fields.includes('window_seconds') && (
          <TextInput
            label={ruleLabels.window_seconds}
            description="Same for all risk levels"
            inputMode="numeric"
            autoComplete="off"
            required
            {...form.getInputProps('window_seconds')}
          />
        )}
        <NativeSelect label={ruleLabels.applies_to} data={appliesToOptions} {...form.getInputProps('applies_to')} />
        {fields.includes('severity') && (
          <NativeSelect label={ruleLabels.severity} data={severities} {...form.getInputProps('severity')} />
        )}
        {fields.includes('title') && <TextInput label={ruleLabels.title} required {...form.getInputProps('title')} />}
        <Switch label="Enabled" {...form.getInputProps('enabled', { type: 'checkbox' })} />
        <ProblemAlert problem={problem} fields={fields} />
      </Stack>
    </form>
  )
}
