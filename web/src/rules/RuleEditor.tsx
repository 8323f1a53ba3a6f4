import { Button, Group, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { type ReactNode, useEffect, useEffectEvent, useMemo } from 'react'

import type { Problem } from '../api/problem'
import { useLeaveWarning } from '../components/form'
import { Panel } from '../components/Panel'
import { type Rule, ruleFields, type RuleFields } from './api'
import { describeCounts } from './describeCounts'
import { describeChanges } from './describeRule'
import classes from './Rule.module.css'
import { RuleForm } from './RuleForm'
import { RulePreview } from './RulePreview'
import { changedSettings, toFormValues } from './ruleSettings'
import { usePreview } from './usePreview'

interface Props {
  rule: Rule
  initialValues: RuleFields
  problem: Problem | undefined
  /** Undefined for users who can preview but not save. */
  onSubmit: ((changes: Partial<RuleFields>) => void) | undefined
  onCancel: () => void
  /** What is below the form and the preview. */
  children: ReactNode
}

/** RuleEditor edits the settings of a rule beside a preview of their effect. Its buttons are always in sight. */
export function RuleEditor({ rule, initialValues, problem, onSubmit, onCancel, children }: Props) {
  const form = useForm({ initialValues: toFormValues(rule.code, initialValues) })
  const changes = useMemo(() => changedSettings(rule, form.values), [rule, form.values])
  const isChanged = Object.keys(changes).length > 0
  const fields = ruleFields(rule).filter((name) => onSubmit || (name !== 'title' && name !== 'severity'))
  useLeaveWarning(isChanged && onSubmit !== undefined)
  const preview = usePreview(rule.code, changes)
  const showErrors = useEffectEvent((messages: Record<string, string>) =>
    form.setErrors((errors) => ({ ...messages, ...errors })),
  )
  useEffect(() => {
    if (preview.problem) showErrors(preview.problem.messagesByField)
  }, [preview.problem])
  return (
    <>
      <div className={`${classes.columns} ${classes.editor}`}>
        <div className={classes.settings}>
          <Panel title="Settings" id="settings">
            <RuleForm
              id="rule"
              rule={rule}
              fields={fields}
              form={form}
              onSubmit={() => onSubmit?.(changes)}
              problem={problem}
            />
          </Panel>
        </div>
        <RulePreview rule={rule} preview={preview} />
        {children}
      </div>
      <div className={classes.actions}>
        <Group gap="xs" wrap="nowrap">
          {onSubmit && (
            <Button type="submit" form="rule">
              Save
            </Button>
          )}
          <Button variant="default" onClick={onCancel}>
            {onSubmit ? 'Cancel' : 'Done'}
          </Button>
        </Group>
        <Text size="sm" c="dimmed" lineClamp={2} visibleFrom="sm">
          {isChanged ? describeChanges(rule, changes) : 'No changes'}
        </Text>
        {/* On a phone the preview is below the form. */}
        <Text size="sm" c="dimmed" lineClamp={2} hiddenFrom="sm">
          {preview.replay && !preview.isOutdated && describeCounts(preview.replay)}
        </Text>
      </div>
    </>
  )
}
