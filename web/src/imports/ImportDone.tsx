import { Alert, Group, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'

import { TextLink } from '../components/links'
import type { ImportResult } from './api'
import { ResultCounts } from './ImportOutcome'
import { describeColumns, type ImportTarget } from './importTargets'

interface Props {
  target: ImportTarget
  columns: readonly (string | undefined)[]
  result: ImportResult
}

/** ImportDone says what was imported, with links to it. */
export function ImportDone({ target, columns, result }: Props) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => ref.current?.focus(), [])
  const clearable = describeColumns(columns, target).clearable.map((name) => target.fields[name] ?? name)
  return (
    <div ref={ref} tabIndex={-1} role="status">
      <Alert color="teal" variant="outline" title="Imported">
        <Text size="sm" mb="xs">
          <ResultCounts result={result} isDryRun={false} clearable={clearable} />
        </Text>
        <Group gap="md">
          <TextLink {...target.list} size="sm" underline="always">
            View {target.label.toLowerCase()}
          </TextLink>
          {result.requestId && (
            <TextLink to="/activity" search={{ request_id: result.requestId }} size="sm" underline="always">
              View in Activity
            </TextLink>
          )}
        </Group>
      </Alert>
    </div>
  )
}
