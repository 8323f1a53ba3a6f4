import { Text } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import type { Page } from '../api/client'
import { QueryBoundary } from './QueryBoundary'
import { type Column, RowTable } from './RowTable'

interface Props<T> {
  label: string
  query: Pick<UseQueryResult<Page<T>>, 'data' | 'error' | 'fetchStatus' | 'refetch'>
  columns: Column<T>[]
  rowKey: (row: T) => string | number
  isWrapped?: boolean
  /** Shown when there are no rows. */
  empty: ReactNode
}

/** ShortList shows a list that fits on one page of the API, such as rules or API tokens. For others use DataGrid. */
export function ShortList<T extends object>({ query, empty, ...table }: Props<T>) {
  return (
    <QueryBoundary<Page<T>> query={query}>
      {({ rows, nextCursor }) =>
        rows.length === 0 ? (
          empty
        ) : (
          <>
            <RowTable {...table} rows={rows} />
            {nextCursor !== undefined && <Text size="sm">First {rows.length.toLocaleString('en')} items</Text>}
          </>
        )
      }
    </QueryBoundary>
  )
}
