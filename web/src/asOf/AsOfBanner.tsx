import { Button } from '@mantine/core'

import { Icon } from '../components/icons'
import { useAsOf } from './asOf'
import classes from './AsOf.module.css'
import { formatAsOfTime } from './formatAsOfTime'
import { useSetAsOf } from './useSetAsOf'

/** AsOfBanner says that a screen shows the past, and leads back to now. */
export function AsOfBanner() {
  const asOf = useAsOf()
  const setAsOf = useSetAsOf()
  return (
    <div role="status" className={classes.status}>
      {asOf !== undefined && (
        <div className={classes.banner}>
          <span>
            <Icon name="clock" size={16} className={classes.icon} /> As of <b>{formatAsOfTime(asOf)}</b>. Nothing can be changed here.
          </span>
          <Button variant="default" onClick={() => setAsOf(undefined)}>
            Back to now
          </Button>
        </div>
      )}
    </div>
  )
}
