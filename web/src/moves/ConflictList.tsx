import { Alert, List, Text } from '@mantine/core'

import type { Problem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { describeConflicts } from './conflicts'

interface Props {
  problem: Problem | undefined
  /** Titles of the containers and names of the places, in the order of the request. */
  items: readonly string[]
  places: readonly string[]
}

const maxListed = 50 // errors in a response of the server

/** ConflictList names everything that keeps containers from moving. */
export function ConflictList({ problem, items, places }: Props) {
  if (!problem || problem.errors.length === 0) return <ProblemAlert problem={problem} />
  const conflicts = describeConflicts(problem.errors, { items, places })
  return (
    <Alert role="alert" color="red" variant="outline" title="Nothing can move yet">
      <List size="sm" spacing={2}>
        {conflicts.slice(0, maxListed).map(({ subject, message }, i) => (
          <List.Item key={i}>
            <b>{subject}</b>: {message}
          </List.Item>
        ))}
      </List>
      {conflicts.length >= maxListed && <Text size="sm">There may be more conflicts.</Text>}
    </Alert>
  )
}
