import { Button, Card, Group, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'

import type { Problem } from '../api/problem'
import { ChangeList } from '../changes/ChangeList'
import { ConflictDialog } from '../components/ConflictDialog'
import { Facts } from '../components/DescriptionList'
import { TextLink } from '../components/links'
import { Screen } from '../components/Screen'
import { shown } from '../components/formatValue'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { useDetails } from '../components/useRowEditor'
import { useMay } from '../session/api'
import { changeRule, fieldsOf, readRule, type Rule, type RuleField, type RuleFields, ruleHistory, ruleLabels, ruleQuery } from './api'
import { ReplayPart } from './ReplaySection'
import { RuleForm } from './RuleForm'
import { limitOf } from './formatLimit'
import { changesOf, settingsOf } from './ruleSettings'

/** RuleScreen shows a rule, and lets its settings be tried on what was recorded before they are saved. */
export function RuleScreen() {
  const { code: text } = useParams({ from: '/rules/$code' })
  const code = Number(text)
  const query = useQuery(ruleQuery(code))
  return (
    <Screen title={query.data ? `${text} ${query.data.title}` : `Rule ${text}`} above={<TextLink to="/rules">Rules</TextLink>}>
      <Shown query={query}>
        {(rule) => (
          <>
            <Settings key={rule.code} rule={rule} />
            <Part title="History" id="history">
              <ChangeList queryKey={['rule', code, 'history']} read={ruleHistory(code)} labels={ruleLabels} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function told(rule: Rule, name: RuleField): string {
  if (name === 'enabled') return rule.enabled ? 'yes' : 'no'
  return name === 'limit' ? limitOf(rule.code, rule.limit) : shown(rule[name])
}

/** Settings are the rule's, to read or to edit. Operators may try others; admins may save them. */
function Settings({ rule }: { rule: Rule }) {
  const mayTry = useMay('operator')
  const maySave = useMay('admin')
  const { editing, conflict, save, end, button } = useDetails<Rule>({
    row: rule,
    edit: { row: ruleQuery(rule.code).queryKey, list: ['rules'], same: (one) => one.code === rule.code, read: () => readRule(rule.code), write: changeRule },
    may: mayTry,
    label: maySave ? 'Edit' : 'Try other settings',
    said: 'Saved. It holds from the next event on',
  })
  return (
    <Part title="Settings" id="settings" actions={button}>
      {editing ? (
        <Editing
          rule={editing.base}
          start={editing.start}
          problem={editing.problem}
          submit={maySave ? (changes) => save(editing.base, changes) : undefined}
          cancel={end}
        />
      ) : (
        <Card withBorder>
          <Facts of={fieldsOf(rule).map((name) => [ruleLabels[name], told(rule, name)])} />
        </Card>
      )}
      {conflict && <ConflictDialog conflict={conflict} labels={ruleLabels} keep={save} cancel={end} />}
    </Part>
  )
}

interface EditingProps {
  rule: Rule
  start: RuleFields
  problem: Problem | undefined
  /** Who may not save can only try. */
  submit: ((changes: Partial<RuleFields>) => void) | undefined
  cancel: () => void
}

function Editing({ rule, start, problem, submit, cancel }: EditingProps) {
  const form = useForm({ mode: 'uncontrolled', initialValues: settingsOf(rule.code, start) })
  return (
    <Stack>
      <Card withBorder>
        <RuleForm id="rule" rule={rule} form={form} submit={(settings) => submit?.(changesOf(rule, settings))} problem={problem} />
      </Card>
      <ReplayPart rule={rule} changes={() => changesOf(rule, form.getValues())} />
      <Group>
        {submit && (
          <Button type="submit" form="rule">
            Save
          </Button>
        )}
        <Button variant="default" onClick={cancel}>
          {submit ? 'Cancel' : 'Done'}
        </Button>
      </Group>
    </Stack>
  )
}
