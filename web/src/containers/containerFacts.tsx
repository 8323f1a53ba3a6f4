import type { ReactNode } from 'react'

import { TimeAgo } from '../components/TimeAgo'
import { PersonName } from '../people/PersonName'
import { type Container, containerLabels, custodyLabels } from './api'
import { ContainerStatusBadge } from './status'

type Item = [name: string, value: ReactNode]

const dayFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })

/** formatDay formats a day of the API, such as 2031-11-30. */
export const formatDay = (day: string): string => dayFormat.format(new Date(`${day}T00:00:00Z`))

/** formatQuantity returns a quantity with its unit, or undefined if there is none. */
export const formatQuantity = ({ quantity, unit }: Pick<Container, 'quantity' | 'unit'>): string | undefined =>
  quantity === null ? undefined : [quantity, unit].filter(Boolean).join(' ')

/** formatGrid describes the grid of a container: "9 × 9, A1 to I9". */
export function formatGrid({ rows, columns, scheme }: Pick<Container, 'rows' | 'columns' | 'scheme'>) {
  return rows === null ? undefined : `${rows} × ${columns}, named ${scheme}`
}

/** containerFacts returns what a container is and who has it, as names and values. */
export function containerFacts(container: Container): Item[] {
  const { status, status_reason, holder, held_since, due_on, barcode, kind, type, project, owner } = container
  const { expires_on, thaw_count } = container
  const items: (Item | false)[] = [
    [custodyLabels.status, <ContainerStatusBadge key="status" status={status} />],
    status_reason !== null && [custodyLabels.status_reason, status_reason],
    holder !== null && [custodyLabels.holder, <PersonName key="holder" username={holder} isLink />],
    held_since !== null && [custodyLabels.held_since, <TimeAgo key="since" at={held_since} />],
    due_on !== null && [custodyLabels.due_on, formatDay(due_on)],
    [containerLabels.barcode, barcode && <code key="barcode">{barcode}</code>],
    [containerLabels.kind, kind],
    [containerLabels.type, type],
    [containerLabels.project, project],
    [containerLabels.owner, owner && <PersonName key="owner" username={owner} isLink />],
    [containerLabels.quantity, formatQuantity(container)],
    [containerLabels.expires_on, expires_on && formatDay(expires_on)],
    [containerLabels.thaw_count, thaw_count === 1 ? '1 time' : `${thaw_count} times`],
  ]
  return items.filter((item): item is Item => item !== false)
}
