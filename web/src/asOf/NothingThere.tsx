import { Button } from '@mantine/core'

import { EmptyState } from '../components/placeholders'
import { useSetAsOf } from './useSetAsOf'

/** NothingThere is shown instead of what did not exist at a time in the past. */
export function NothingThere() {
  const setAsOf = useSetAsOf()
  return (
    <EmptyState
      icon="clock"
      title="Nothing was here at that time"
      actions={
        <Button variant="default" onClick={() => setAsOf(undefined)}>
          Back to now
        </Button>
      }
    />
  )
}
