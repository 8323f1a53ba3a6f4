import { Button, Text, Title } from '@mantine/core'
import { useState } from 'react'

import { UserName } from '../people/PersonName'
import type { Replay } from './api'
import { formatCount } from './describeCounts'
import classes from './Rule.module.css'

const initialCount = 5
const pageSize = 50
const maxCounted = 1000 // the API counts no more people

/** AffectedPeople lists the people whose alerts a preview changes, those with the most changes first. */
export function AffectedPeople({ counts }: { counts: Replay['by_user'] }) {
  const [shownCount, setShownCount] = useState(initialCount)
  const affected = counts.filter(({ added, removed }) => added + removed > 0)
  if (affected.length === 0) return null
  const hiddenCount = affected.length - shownCount
  const isCut = affected.length >= maxCounted
  return (
    <section aria-labelledby="people">
      <Title order={3} id="people" mb={4}>
        {formatCount(affected.length)}
        {isCut && ' or more'} {affected.length === 1 ? 'person' : 'people'} affected
      </Title>
      <ul className={classes.people}>
        {affected.slice(0, shownCount).map(({ user_id, added, removed }) => (
          <li key={user_id}>
            <UserName id={user_id} isLink />
            <Text span size="sm" c="dimmed" className={classes.counts}>
              {[added > 0 && `${formatCount(added)} new`, removed > 0 && `${formatCount(removed)} removed`].filter(Boolean).join(', ')}
            </Text>
          </li>
        ))}
      </ul>
      {hiddenCount > 0 && (
        <Button variant="subtle" size="compact-sm" onClick={() => setShownCount(shownCount + pageSize)}>
          and {formatCount(hiddenCount)} more
        </Button>
      )}
    </section>
  )
}
