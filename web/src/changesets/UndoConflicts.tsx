import { Alert, Text } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'

import type { FieldError, Problem } from '../api/problem'
import { TextLink } from '../components/links'
import { problemTitle } from '../components/problemTitle'
import { rowPath, tableNoun } from '../history/tables'
import { usePersonName } from '../people/PersonName'
import classes from './Changesets.module.css'
import { parseConflict } from './parseConflict'

/** UndoConflicts says why a change set cannot be undone, with links to the rows that prevent it. */
export function UndoConflicts({ problem }: { problem: Problem }) {
  return (
    <Alert color="red" variant="outline" role="alert" title={problem.status === 409 ? 'Cannot be undone' : problemTitle(problem)}>
      <Text size="sm">{problem.message}</Text>
      {problem.errors.length > 0 && (
        <ul className={classes.conflicts} aria-label="Conflicts">
          {problem.errors.map((error, i) => (
            <li key={i}>
              <ConflictItem error={error} />
            </li>
          ))}
        </ul>
      )}
    </Alert>
  )
}

const minuteFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

function ConflictItem({ error }: { error: FieldError }) {
  const personName = usePersonName()
  const paths = Object.keys(useRouter().routesByPath)
  const { table, key, text, since } = parseConflict(error)
  const path = table === undefined || key === undefined ? undefined : rowPath(table, key, paths)
  if (!since)
    return (
      <>
        {path ? (
          <TextLink to={path as '/'} underline="always" inherit>
            {text}
          </TextLink>
        ) : (
          `${key === undefined ? `${error.field}: ` : ''}${text}`
        )}
      </>
    )
  const name = `${tableNoun(table ?? '')} ${since.name}`.trim()
  return (
    <>
      {path ? (
        <TextLink to={path as '/'} underline="always" inherit>
          {name}
        </TextLink>
      ) : (
        name
      )}{' '}
      was changed by {personName(since.actor)}, <time dateTime={since.at}>{minuteFormat.format(new Date(since.at))}</time>, in{' '}
      <TextLink to="/activity/$id" params={{ id: since.changesetId }} underline="always" inherit>
        change set {since.changesetId}
      </TextLink>
    </>
  )
}
