import { Button, Card, Group, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import type { Problem } from '../api/problem'
import { ChangeList } from '../changes/ChangeList'
import { ConflictDialog } from '../components/ConflictDialog'
import { DescriptionList } from '../components/DescriptionList'
import { formatValue } from '../components/formatValue'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { useRowEditor } from '../components/useRowEditor'
import { usePermission } from '../session/api'
import {
  appliesToLabels,
  fetchRule,
  type Rule,
  type RuleField,
  ruleFields,
  type RuleFields,
  ruleHistory,
  ruleLabels,
  ruleQuery,
  updateRule,
} from './api'
import { formatLimit } from './formatLimit'
import { ReplaySection } from './ReplaySection'
import { RuleForm } from './RuleForm'
import { changedSettings, toFormValues } from './ruleSettings'

/** RuleScreen shows a rule. Its settings can be previewed on past events before they are saved. */
export function RuleScreen() {
  const { code: codeParam } = useParams({ from: '/rules/$code' })
  const code = Number(codeParam)
  const query = useQuery(ruleQuery(code))
  return (
    <Screen
      title={query.data ? `${codeParam} ${query.data.title}` : `Rule ${codeParam}`}
      breadcrumb={<TextLink to="/rules">Rules</TextLink>}
    >
      <QueryBoundary query={query}>
        {(rule) => (
          <>
            <RuleSettings rule={rule} />
            <Section title="History" id="history">
              <ChangeList queryKey={['rule', code, 'history']} fetchHistory={ruleHistory(code)} labels={ruleLabels} />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function formatRuleField(rule: Rule, name: RuleField): string {
  if (name === 'enabled') return rule.enabled ? 'Yes' : 'No'
  if (name === 'applies_to') return appliesToLabels[rule.applies_to]
  return name === 'limit' ? formatLimit(rule.code, rule.limit) : formatValue(rule[name])
}

/** RuleSettings shows the settings of a rule. Operators can preview other settings; admins can save them. */
function RuleSettings({ rule }: { rule: Rule }) {
  const canPreview = usePermission('operator')
  const canSave = usePermission('admin')
  const { editing, conflict, save, stopEditing, editButton } = useRowEditor<Rule>({
    row: rule,
    editOptions: {
      queryKey: ruleQuery(rule.code).queryKey,
      listKey: ['rules'],
      isSameRow: (row) => row.code === rule.code,
      fetchRow: () => fetchRule(rule.code),
      updateRow: updateRule,
    },
    canEdit: canPreview,
    label: canSave ? 'Edit' : 'Preview other settings',
    savedMessage: 'Saved. Applies from the next event.',
  })
  return (
    <Section title="Settings" id="settings" actions={editButton}>
      {editing ? (
        <RuleEditor
          rule={editing.base}
          initialValues={editing.initialValues}
          problem={editing.problem}
          onSubmit={canSave ? (changes) => save(editing.base, changes) : undefined}
          onCancel={stopEditing}
        />
      ) : (
        <Card withBorder>
          <DescriptionList items={ruleFields(rule).map((name) => [ruleLabels[name], formatRuleField(rule, name)])} />
        </Card>
      )}
      {conflict && <ConflictDialog conflict={conflict} labels={ruleLabels} onSave={save} onCancel={stopEditing} />}
    </Section>
  )
}

interface RuleEditorProps {
  rule: Rule
  initialValues: RuleFields
  problem: Problem | undefined
  /** Undefined for users who can preview but not save. */
  onSubmit: ((changes: Partial<RuleFields>) => void) | undefined
  onCancel: () => void
}

function RuleEditor({ rule, initialValues, problem, onSubmit, onCancel }: RuleEditorProps) {
  const form = useForm({ mode: 'uncontrolled', initialValues: toFormValues(rule.code, initialValues) })
  return (
    <Stack>
      <Card withBorder>
        <RuleForm
          id="rule"
          rule={rule}
          form={form}
          onSubmit={(settings) => onSubmit?.(changedSettings(rule, settings))}
          problem={problem}
        />
      </Card>
      <ReplaySection rule={rule} getChanges={() => changedSettings(rule, form.getValues())} />
      <Group>
        {onSubmit && (
          <Button type="submit" form="rule">
            Save
          </Button>
        )}
        <Button variant="default" onClick={onCancel}>
          {onSubmit ? 'Cancel' : 'Done'}
        </Button>
      </Group>
    </Stack>
  )
}
