import type { UseInfiniteQueryResult, UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { type Problem, toProblem } from '../api/problem'
import { ErrorState, Loading, Offline } from './placeholders'

type BoundaryQuery<T> =
  | Pick<UseQueryResult<T>, 'data' | 'error' | 'fetchStatus' | 'refetch'>
  | Pick<UseInfiniteQueryResult<T>, 'data' | 'error' | 'fetchStatus' | 'refetch'>

/**
 * QueryBoundary shows the data of a query, or its loading, error or offline state. Loaded data stays visible if a
 * refetch fails, except when access is lost or the row is deleted.
 */
export function QueryBoundary<T>({
  query,
  rows,
  renderNotFound,
  children,
}: {
  query: BoundaryQuery<T>
  rows?: number
  /** Replaces the message that the row does not exist. */
  renderNotFound?: (problem: Problem) => ReactNode
  children: (data: T) => ReactNode
}) {
  const { data, error, fetchStatus, refetch } = query
  if (error && renderNotFound && toProblem(error).status === 404) return renderNotFound(toProblem(error))
  if (error && (data === undefined || [401, 403, 404].includes(toProblem(error).status)))
    return <ErrorState problem={toProblem(error)} onRetry={() => void refetch()} />
  if (data !== undefined) return children(data)
  if (fetchStatus === 'paused') return <Offline onRetry={() => void refetch()} />
  return rows === undefined ? <Loading /> : <Loading rows={rows} />
}
