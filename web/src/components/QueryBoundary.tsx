import type { UseInfiniteQueryResult, UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { toProblem } from '../api/problem'
import { ErrorState, Loading, Offline } from './placeholders'

type BoundaryQuery<T> = Pick<UseQueryResult<T>, 'data' | 'error' | 'fetchStatus' | 'refetch'> | Pick<UseInfiniteQueryResult<T>, 'data' | 'error' | 'fetchStatus' | 'refetch'>

/** QueryBoundary shows what was read, or else why there is nothing to show. What was read once stays when reading it anew fails. */
export function QueryBoundary<T>({ query, rows, children }: { query: BoundaryQuery<T>; rows?: number; children: (data: T) => ReactNode }) {
  const { data, error, fetchStatus, refetch } = query
  if (error && (data === undefined || [401, 403, 404].includes(toProblem(error).status))) return <ErrorState problem={toProblem(error)} onRetry={() => void refetch()} />
  if (data !== undefined) return children(data)
  if (fetchStatus === 'paused') return <Offline onRetry={() => void refetch()} />
  return rows === undefined ? <Loading /> : <Loading rows={rows} />
}
