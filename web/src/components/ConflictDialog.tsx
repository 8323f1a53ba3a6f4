import { Button, Group, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'

import type { Conflict } from '../api/useRowEdit'
import { Dialog } from './Dialog'
import { diffFields } from './diffFields'
import { type FormatField, formatPlainField } from './formatValue'

interface Props<T> {
  conflict: Conflict<T>
  /** Labels of the fields. Fields without a label are not shown. */
  labels: Partial<Record<keyof T, string>>
  formatField?: FormatField
  /** Saves the changes on top of the remote version. */
  onSave: (remote: T, changes: Partial<T>) => void
  onCancel: () => void
}

/**
 * ConflictDialog resolves an edit conflict on a row, field by field. Fields that only the other user changed keep the
 * remote value.
 */
export function ConflictDialog<T extends object>({
  conflict: { base, local, remote },
  labels,
  formatField = formatPlainField,
  onSave,
  onCancel,
}: Props<T>) {
  const fieldNames = (Object.keys(labels) as (keyof T & string)[]).filter((name) => labels[name])
  const { conflicting, localOnly, remoteOnly } = diffFields({ base, local, remote }, fieldNames)
  const [choices, setChoices] = useState<Record<string, string>>({})
  const keptFields = [...conflicting.filter((name) => choices[name] !== 'remote'), ...localOnly]
  const save = () => onSave(remote, Object.fromEntries(keptFields.map((name) => [name, local[name]])) as Partial<T>)
  const describeChanges = (fields: typeof fieldNames, before: Partial<T>, after: Partial<T>) =>
    fields
      .map((name) => `${labels[name]}: ${formatField(name, before[name])} → ${formatField(name, after[name])}`)
      .join(', ')
  return (
    <Dialog onClose={onCancel} isDirty={keptFields.length > 0} title="Another user edited this while you did" size="lg">
      <Stack>
        <Text>
          {conflicting.length > 0
            ? 'Your changes are not saved yet. Choose which values to keep.'
            : localOnly.length > 0
              ? 'The other user changed different fields.'
              : 'The other user already saved the same values.'}
        </Text>
        {conflicting.map((name) => (
          <Radio.Group
            key={name}
            label={labels[name]}
            value={choices[name] ?? 'local'}
            onChange={(value) => setChoices({ ...choices, [name]: value })}
          >
            <Stack gap={4} mt={4}>
              <Radio value="local" label={<ChoiceLabel side="Yours" value={formatField(name, local[name])} />} />
              <Radio value="remote" label={<ChoiceLabel side="Theirs" value={formatField(name, remote[name])} />} />
            </Stack>
          </Radio.Group>
        ))}
        {remoteOnly.length > 0 && (
          <Text size="sm" c="dimmed">
            They also changed {describeChanges(remoteOnly, base, remote)}. These changes are kept.
          </Text>
        )}
        {localOnly.length > 0 && (
          <Text size="sm" c="dimmed">
            Only you changed {describeChanges(localOnly, base, local)}. These changes will be saved.
          </Text>
        )}
        <Group justify="end">
          <Button variant="default" onClick={onCancel}>
            Discard my changes
          </Button>
          <Button onClick={keptFields.length > 0 ? save : onCancel} data-autofocus>
            {keptFields.length > 0 ? 'Save' : 'Keep theirs'}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

function ChoiceLabel({ side, value }: { side: string; value: string }) {
  return (
    <>
      {side}: <b>{value}</b>
    </>
  )
}
