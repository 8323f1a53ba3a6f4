import { Button, Group, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'

import type { Conflict } from '../api/useRowEdit'
import { clash } from './diffFields'
import { Dialog } from './Dialog'
import { asShown, type Tell } from './formatValue'

interface Props<T> {
  conflict: Conflict<T>
  /** What people call the fields. Fields without a label are not shown. */
  labels: Partial<Record<keyof T, string>>
  tell?: Tell
  /** Saves on top of what the other did. */
  keep: (theirs: T, changes: Partial<T>) => void
  cancel: () => void
}

/** ConflictDialog lets one choose, field by field, when somebody else has changed the same row. What only they changed stays theirs. */
export function ConflictDialog<T extends object>({ conflict: { base, mine, theirs }, labels, tell = asShown, keep, cancel }: Props<T>) {
  const names = (Object.keys(labels) as (keyof T & string)[]).filter((name) => labels[name])
  const { both, onlyMine, onlyTheirs } = clash({ base, mine, theirs }, names)
  const [chosen, choose] = useState<Record<string, string>>({})
  const kept = [...both.filter((name) => chosen[name] !== 'theirs'), ...onlyMine]
  const save = () => keep(theirs, Object.fromEntries(kept.map((name) => [name, mine[name]])) as Partial<T>)
  const list = (found: typeof names, from: Partial<T>, to: Partial<T>) => found.map((name) => `${labels[name]}: ${tell(name, from[name])} → ${tell(name, to[name])}`).join(', ')
  return (
    <Dialog onClose={cancel} title="Somebody else has changed this, too" size="lg">
      <Stack>
        <Text>
          {both.length > 0 ? 'Nothing of yours was saved yet. Choose what each field shall say.' : onlyMine.length > 0 ? 'They changed other fields than you did.' : 'They have stored what you wanted to.'}
        </Text>
        {both.map((name) => (
          <Radio.Group key={name} label={labels[name]} value={chosen[name] ?? 'mine'} onChange={(value) => choose({ ...chosen, [name]: value })}>
            <Stack gap={4} mt={4}>
              <Radio value="mine" label={<Side who="Yours" value={tell(name, mine[name])} />} />
              <Radio value="theirs" label={<Side who="Theirs" value={tell(name, theirs[name])} />} />
            </Stack>
          </Radio.Group>
        ))}
        {onlyTheirs.length > 0 && (
          <Text size="sm" c="dimmed">
            They also changed {list(onlyTheirs, base, theirs)}. That stays.
          </Text>
        )}
        {onlyMine.length > 0 && (
          <Text size="sm" c="dimmed">
            You alone changed {list(onlyMine, base, mine)}. That will be saved.
          </Text>
        )}
        <Group justify="end">
          <Button variant="default" onClick={cancel}>
            Drop mine
          </Button>
          <Button onClick={kept.length > 0 ? save : cancel} data-autofocus>
            {kept.length > 0 ? 'Save these' : 'Keep theirs'}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

function Side({ who, value }: { who: string; value: string }) {
  return (
    <>
      {who}: <b>{value}</b>
    </>
  )
}
