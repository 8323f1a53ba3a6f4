import { Text } from '@mantine/core'

import { describeReasons } from '../alerts/explainReason'
import { Day } from '../components/Day'
import { TextLink } from '../components/links'
import { localDay } from '../components/localDay'
import { Panel } from '../components/Panel'
import { StatusBadge, type Tone } from '../components/StatusBadge'
import { TimeAgo } from '../components/TimeAgo'
import { userNameOf } from '../people/userNameOf'
import type { Summary } from '../summary/api'
import { isOverdue } from '../todos/isOverdue'
import classes from './FeedList.module.css'

/** MyWork lists the todos and alerts that are assigned to the user, most urgent first. */
export function MyWork({ summary: { my_todos, my_alerts } }: { summary: Summary }) {
  return (
    <Panel title="My work" id="my-work">
      {my_todos.length + my_alerts.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing is assigned to you. <TextLink to="/todos" underline="always">
            See all todos
          </TextLink>
        </Text>
      ) : (
        <ul className={classes.list}>
          {my_alerts.map((alert) => (
            <li key={alert.id}>
              <span className={classes.leading}>
                <StatusBadge tone={alert.severity as Tone}>alert</StatusBadge>
              </span>
              <TextLink to="/alerts" search={{ id: alert.id }} className={classes.text}>
                {userNameOf(alert)}: {describeReasons(alert.reasons)}
              </TextLink>
              <span className={classes.trailing}>
                <TimeAgo at={alert.created_at} />
              </span>
            </li>
          ))}
          {my_todos.map((todo) => (
            <li key={todo.id}>
              <span className={classes.leading}>
                <DueBadge todo={todo} />
              </span>
              <TextLink
                to="/todos/$id"
                params={{ id: String(todo.id) }}
                className={classes.text}
                title={todo.description}
              >
                {todo.description}
              </TextLink>
              {todo.due_on && (
                <span className={classes.trailing}>
                  <Day day={todo.due_on} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function DueBadge({ todo }: { todo: Summary['my_todos'][number] }) {
  if (isOverdue(todo)) return <StatusBadge tone="critical">overdue</StatusBadge>
  if (todo.due_on === localDay()) return <StatusBadge tone="warning">today</StatusBadge>
  return <StatusBadge tone="inactive">todo</StatusBadge>
}
