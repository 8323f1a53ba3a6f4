import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { TextLink } from '../components/links'
import { listQuery } from '../grid/listQuery'
import { usePeople } from '../people/api'
import { UserName } from '../people/PersonName'
import type { Alert } from './api'

const day = 24 * 3600 * 1000 // ms
const month = 30 * day

interface Props {
  alert: Alert
  /** The element of the heading. */
  heading: 'h2' | 'h3'
}

/** AlertPerson puts an alert into the context of its person. */
export function AlertPerson({ alert: { user_id, risk }, heading }: Props) {
  const isKnown = usePeople()?.byId.has(user_id)
  const alerts = useAlertCount(user_id, {})
  const falsePositives = useAlertCount(user_id, { disposition: 'false_positive' })
  return (
    <section aria-label="User">
      <Text fw={600} size="sm" component={heading} mb={4}>
        <UserName id={user_id} isLink={isKnown ?? false} />
      </Text>
      <Text size="sm">Risk level at the time: {risk}</Text>
      <Text size="sm">
        {alerts === undefined
          ? '…'
          : `${alerts === 1 ? '1 alert' : `${alerts} alerts`} in 30 days, ${falsePositives ?? '…'} false positive`}
      </Text>
      <Text size="sm">
        <TextLink to="/events" search={{ user_id: String(user_id) }} size="sm">
          All events
        </TextLink>
        {' · '}
        <TextLink to="/alerts" search={{ user_id: String(user_id), state: 'all', snoozed: 'all' }} size="sm">
          All alerts
        </TextLink>
      </Text>
    </section>
  )
}

/** useAlertCount counts the alerts of a user within a month. Whole days let the queries of several alerts be one. */
function useAlertCount(userId: number, filters: Record<string, string>): number | undefined {
  const [since] = useState(() => new Date(Math.floor((Date.now() - month) / day) * day).toISOString())
  const params = { user_id: String(userId), created_at__gte: since, ...filters, limit: '1', count: 'exact' }
  return useQuery(listQuery<Alert>({ noun: 'alerts' }, params)).data?.total?.count
}
