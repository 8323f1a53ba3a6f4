import { Button, Group, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'

import type { Conflict } from '../api/edit'
import { Dialog } from './Dialog'
import { shown } from './shown'

interface Props<T> {
  conflict: Conflict<T>
  /** What people call the fields. Fields without a label are not shown. */
  labels: Partial<Record<keyof T, string>>
  /** Saves on top of what the other did. */
  keep: (theirs: T, changes: Partial<T>) => void
  cancel: () => void
}

/** ConflictDialog lets one choose, field by field, when somebody else has changed the same row. What only they changed stays theirs. */
export function ConflictDialog<T extends object>({ conflict: { base, mine, theirs }, labels, keep, cancel }: Props<T>) {
  const names = (Object.keys(labels) as (keyof T & string)[]).filter((name) => labels[name])
  const clashing = names.filter((name) => name in mine && mine[name] !== theirs[name])
  const onlyTheirs = names.filter((name) => !(name in mine) && base[name] !== theirs[name])
  const [chosen, choose] = useState<Record<string, string>>({})
  const save = () => keep(theirs, Object.fromEntries(clashing.filter((name) => chosen[name] !== 'theirs').map((name) => [name, mine[name]])) as Partial<T>)
  return (
    <Dialog onClose={cancel} title="Somebody else has changed this, too" size="lg">
      <Stack>
        <Text>Nothing of yours was saved yet. Choose what each field shall say.</Text>
        {clashing.map((name) => (
          <Radio.Group key={name} label={labels[name]} value={chosen[name] ?? 'mine'} onChange={(value) => choose({ ...chosen, [name]: value })}>
            <Stack gap={4} mt={4}>
              <Radio value="mine" label={<Side who="Yours" value={mine[name]} />} />
              <Radio value="theirs" label={<Side who="Theirs" value={theirs[name]} />} />
            </Stack>
          </Radio.Group>
        ))}
        {onlyTheirs.length > 0 && (
          <Text size="sm" c="dimmed">
            They also changed {onlyTheirs.map((name) => `${labels[name]}: ${shown(base[name])} → ${shown(theirs[name])}`).join(', ')}. That stays.
          </Text>
        )}
        {clashing.length === 0 && <Text>They have stored what you wanted to.</Text>}
        <Group justify="end">
          <Button variant="default" onClick={cancel}>
            Drop mine
          </Button>
          <Button onClick={clashing.length > 0 ? save : cancel} data-autofocus>
            {clashing.length > 0 ? 'Save these' : 'Good'}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

function Side({ who, value }: { who: string; value: unknown }) {
  return (
    <>
      {who}: <b>{shown(value)}</b>
    </>
  )
}
