import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import { RestorableChangeList } from '../changes/RestorableChangeList'
import { ConflictDialog } from '../components/ConflictDialog'
import { TextLink } from '../components/links'
import { Panel } from '../components/Panel'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { StatusBadge } from '../components/StatusBadge'
import { useRowEditor } from '../components/useRowEditor'
import { usePermission } from '../session/api'
import { type Rule, ruleEditOptions, ruleHistory, ruleLabels, ruleQuery } from './api'
import { describeRule, formatSetting } from './describeRule'
import classes from './Rule.module.css'
import { RuleEditor } from './RuleEditor'
import { RuleSettings } from './RuleSettings'

/** RuleScreen shows a rule. Its settings can be previewed on past events before they are saved. */
export function RuleScreen() {
  const { code } = useParams({ from: '/rules/$code' })
  const query = useQuery(ruleQuery(Number(code)))
  return (
    <Screen title={query.data?.title ?? `Rule ${code}`} breadcrumb={<TextLink to="/rules">Rules</TextLink>}>
      <QueryBoundary query={query}>{(rule) => <RuleDetails rule={rule} />}</QueryBoundary>
    </Screen>
  )
}

/** RuleDetails shows a rule, or its editor. Operators can preview other settings; admins can save them. */
function RuleDetails({ rule }: { rule: Rule }) {
  const canPreview = usePermission('operator')
  const canSave = usePermission('admin')
  const { editing, conflict, save, stopEditing, editButton } = useRowEditor<Rule>({
    row: rule,
    editOptions: ruleEditOptions(rule),
    canEdit: canPreview,
    label: canSave ? 'Edit' : 'Preview other settings',
    savedMessage: 'Saved. Applies from the next event.',
  })
  const formatField = (field: string, value: unknown) => formatSetting(rule.code, field, value)
  const history = (
    <Panel title="History" id="history">
      <RestorableChangeList
        row={rule}
        canEdit={canSave}
        editLabels={ruleLabels}
        editOptions={ruleEditOptions(rule)}
        queryKey={['rule', rule.code, 'history']}
        fetchHistory={ruleHistory(rule.code)}
        labels={ruleLabels}
        formatField={formatField}
      />
    </Panel>
  )
  return (
    <>
      <Group gap="xs" className={classes.intro}>
        <Text span size="sm" c="dimmed">
          Rule {rule.code}
        </Text>
        <Text span size="sm">
          {describeRule(rule)}
        </Text>
        <TextLink to="/alerts" search={{ alert_codes: String(rule.code) }} size="sm">
          Alerts of this rule
        </TextLink>
        {!rule.enabled && <StatusBadge tone="inactive">Disabled</StatusBadge>}
      </Group>
      {editing ? (
        <RuleEditor
          rule={editing.base}
          initialValues={editing.initialValues}
          problem={editing.problem}
          onSubmit={canSave ? (changes) => save(editing.base, changes) : undefined}
          onCancel={stopEditing}
        >
          {history}
        </RuleEditor>
      ) : (
        <div className={classes.columns}>
          <Panel title="Settings" id="settings" actions={editButton}>
            <RuleSettings rule={rule} />
          </Panel>
          {history}
        </div>
      )}
      {conflict && (
        <ConflictDialog
          conflict={conflict}
          labels={ruleLabels}
          formatField={formatField}
          onSave={save}
          onCancel={stopEditing}
        />
      )}
    </>
  )
}
