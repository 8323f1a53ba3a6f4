import type { UseInfiniteQueryResult, UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { asProblem } from '../api/problem'
import { ErrorState, Loading, Offline } from './placeholders'

type Query<T> = Pick<UseQueryResult<T>, 'data' | 'error' | 'fetchStatus' | 'refetch'> | Pick<UseInfiniteQueryResult<T>, 'data' | 'error' | 'fetchStatus' | 'refetch'>

/** Shown shows what was read, or else why there is nothing to show. What was read once stays when reading it anew fails. */
export function Shown<T>({ query, rows, children }: { query: Query<T>; rows?: number; children: (data: T) => ReactNode }) {
  const { data, error, fetchStatus, refetch } = query
  if (error && (data === undefined || [401, 403, 404].includes(asProblem(error).status))) return <ErrorState problem={asProblem(error)} retry={() => void refetch()} />
  if (data !== undefined) return children(data)
  if (fetchStatus === 'paused') return <Offline retry={() => void refetch()} />
  return rows === undefined ? <Loading /> : <Loading rows={rows} />
}
