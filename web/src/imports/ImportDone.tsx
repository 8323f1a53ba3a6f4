import { Text } from '@mantine/core'

import { TextLink } from '../components/links'
import { ResultAlert } from '../components/ResultAlert'
import type { ImportResult } from './api'
import { formatRowCount, ResultCounts } from './ImportOutcome'
import { describeColumns, type ImportTarget } from './importTargets'

interface Props {
  target: ImportTarget
  columns: readonly (string | undefined)[]
  result: ImportResult
}

/** ImportDone says what was imported, with links to it. */
export function ImportDone({ target, columns, result }: Props) {
  const clearable = describeColumns(columns, target).clearable.map((name) => target.fields[name] ?? name)
  return (
    <ResultAlert
      title="Imported"
      message={`${formatRowCount(result.created + result.updated)} imported`}
      requestId={result.requestId}
      links={
        <TextLink {...target.list} size="sm" underline="always">
          View {target.label.toLowerCase()}
        </TextLink>
      }
    >
      <Text size="sm" mb="xs">
        <ResultCounts result={result} isDryRun={false} clearable={clearable} />
      </Text>
    </ResultAlert>
  )
}
