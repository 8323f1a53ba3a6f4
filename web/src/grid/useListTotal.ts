import { useQuery } from '@tanstack/react-query'

import { formatTotal } from '../components/formatTotal'
import type { SearchParams } from './gridState'
import { listQuery } from './listQuery'
import type { ListDefinition } from './types'

/** useListTotal returns the number of rows of a part of a list, formatted, or undefined until it is known. */
export function useListTotal<T>(definition: ListDefinition<T>, scope: SearchParams): string | undefined {
  const { data } = useQuery(listQuery<T>(definition, { ...(scope as Record<string, string>), limit: '1', count: 'exact' }))
  return data?.total && formatTotal(data.total)
}
