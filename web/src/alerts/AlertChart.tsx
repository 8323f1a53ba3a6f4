import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'

import { Chart } from '../components/Chart'
import type { Series } from '../components/chartPalette'
import { formatUnixTime } from '../components/formatUnixTime'
import type { Event } from '../events/api'

interface Props {
  /** The events of the user around the alert, newest first. */
  events: Event[]
  countedIds: ReadonlySet<string>
}

/** AlertChart shows the events around an alert, those that a rule counted in another colour. A click opens an event. */
export function AlertChart({ events, countedIds }: Props) {
  const navigate = useNavigate()
  const ordered = useMemo(() => events.toReversed(), [events])
  const series = useMemo((): Series[] => {
    const amounts = (isCounted: boolean) =>
      ordered.map(({ id, type, amount }) =>
        countedIds.has(id) === isCounted ? (type === 'deposit' ? 1 : -1) * Number(amount) : null,
      )
    return [
      { label: 'Other events', color: 'muted', shape: 'bars', values: amounts(false) },
      { label: 'Counted', color: 'critical', shape: 'bars', values: amounts(true) },
    ]
  }, [ordered, countedIds])
  return (
    <Chart
      label="Deposits and withdrawals around the alert"
      unit="Amount"
      timestamps={useMemo(() => ordered.map(({ effective_time }) => effective_time), [ordered])}
      series={series}
      height={150}
      formatTimestamp={formatUnixTime}
      onOpen={(index) => {
        const id = ordered[index]?.id
        if (id !== undefined) void navigate({ to: '/events/$id', params: { id } })
      }}
      openHint={() => 'Click to open the event'}
      decimals={2}
    />
  )
}
