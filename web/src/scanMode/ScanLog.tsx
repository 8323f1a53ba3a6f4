import { Button, Text } from '@mantine/core'

import { Icon } from '../components/icons'
import { Section } from '../components/Section'
import { TextLink } from '../components/links'
import { outcomeIcons } from './ScanCard'
import classes from './ScanLog.module.css'
import type { ScanRecord } from './ScanQueue'

interface Props {
  records: readonly ScanRecord[]
  onUndo: (record: ScanRecord) => void
}

/** ScanLog lists the last scans, newest first, and undoes them where that is possible. */
export function ScanLog({ records, onUndo }: Props) {
  if (records.length === 0) return null
  return (
    <Section title="Last scans" id="last-scans">
      <ol className={classes.list} reversed>
        {records.map((record) => (
          <ScanLine key={record.entry.key} record={record} onUndo={onUndo} />
        ))}
      </ol>
    </Section>
  )
}

function ScanLine({ record, onUndo }: { record: ScanRecord; onUndo: (record: ScanRecord) => void }) {
  const { entry, outcome, isUndone } = record
  const code = entry.action.kind === 'undo' ? entry.action.what : entry.texts[0]
  return (
    <li className={classes.line} data-tone={outcome?.tone}>
      <Icon name={outcome ? outcomeIcons[outcome.tone] : 'clock'} size={20} />
      <div className={classes.text}>
        <Text size="sm" fw={600} component="span">
          {outcome ? outcome.title : 'Waiting'}
          {isUndone && ' (undone)'}
        </Text>
        <Text size="sm" component="span">
          {outcome?.uuid ? (
            <TextLink to="/containers/$uuid" params={{ uuid: outcome.uuid }}>
              {outcome.what}
            </TextLink>
          ) : (
            (outcome?.what ?? code)
          )}
        </Text>
      </div>
      {outcome?.undo && !isUndone && (
        <Button variant="default" aria-label={`Undo: ${outcome.title}, ${outcome.what}`} onClick={() => onUndo(record)}>
          Undo
        </Button>
      )}
    </li>
  )
}
