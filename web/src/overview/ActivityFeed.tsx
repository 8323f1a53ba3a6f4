import { Text } from '@mantine/core'

import { TextLink } from '../components/links'
import { Panel } from '../components/Panel'
import { TimeAgo } from '../components/TimeAgo'
import { usePersonName } from '../people/PersonName'
import type { Summary } from '../summary/api'
import { type Activity, describeActivity } from './describeActivity'
import classes from './FeedList.module.css'

/** ActivityFeed describes in sentences what people changed. */
export function ActivityFeed({ activity }: { activity: Summary['activity'] }) {
  const personName = usePersonName()
  return (
    <Panel title="Activity" id="activity" actions={<TextLink to="/activity">All activity</TextLink>}>
      {activity.length === 0 ? (
        <Text size="sm" c="dimmed">
          No changes yet
        </Text>
      ) : (
        <ul className={classes.list}>
          {activity.map((entry: Activity) => (
            <li key={`${entry.at} ${entry.noun} ${entry.action} ${entry.row_key}`}>
              <span className={classes.text}>
                <b>{personName(entry.actor)}</b> {describeActivity(entry)}
              </span>
              <span className={classes.trailing}>
                <TimeAgo at={entry.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
