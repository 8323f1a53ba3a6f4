import { Checkbox } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ChangeEvent } from 'react'

import { TimeAgo } from '../components/TimeAgo'
import { VoidBadge } from '../events/VoidBadge'
import type { AlertRow } from '../lists/alerts'
import { userNameOf } from '../people/userNameOf'
import { PersonAvatar, usePersonName } from '../people/PersonName'
import classes from './AlertInbox.module.css'
import { AlertStateBadge, SeverityBadge } from './badges'
import { describeReasons } from './explainReason'

interface Props {
  alert: AlertRow
  isChosen: boolean
  /** Undefined if alerts cannot be selected. */
  isSelected: boolean | undefined
  toggleSelected: (event: ChangeEvent<HTMLInputElement>) => void
}

/** AlertItem is one alert in the inbox: who, what, and how severe. */
export function AlertItem({ alert, isChosen, isSelected, toggleSelected }: Props) {
  const personName = usePersonName()
  const name = userNameOf(alert)
  const summary = describeReasons(alert.reasons)
  return (
    <li className={classes.item} data-row={alert.id} data-chosen={isChosen || undefined} data-selected={isSelected || undefined}>
      {isSelected !== undefined && (
        <Checkbox size="xs" aria-label={`Select ${name}: ${summary}`} checked={isSelected} onChange={toggleSelected} />
      )}
      <div className={classes.itemText}>
        <div className={classes.itemHead}>
          <SeverityBadge severity={alert.severity} />
          <Link
            to="/alerts"
            search={(current) => ({ ...current, id: alert.id }) as never}
            className={classes.itemLink}
            aria-current={isChosen || undefined}
          >
            {name}
          </Link>
          {(alert.state !== 'open' || alert.snoozed) && <AlertStateBadge alert={alert} />}
          {alert.void_id && <VoidBadge />}
          <span className={classes.itemTime}>
            {alert.assignee && (
              <span title={`Assigned to ${personName(alert.assignee)}`}>
                <PersonAvatar name={personName(alert.assignee)} size={18} />
              </span>
            )}
            <TimeAgo at={alert.created_at} />
          </span>
        </div>
        <div className={classes.itemSummary}>{summary}</div>
      </div>
    </li>
  )
}
