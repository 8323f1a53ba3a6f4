import { useQuery } from '@tanstack/react-query'

import { asOfParam, isAsOfNoun, useAsOf } from '../asOf/asOf'
import { formatTotal } from '../components/formatTotal'
import type { SearchParams } from './gridState'
import { listQuery } from './listQuery'
import type { ListDefinition } from './types'

/** useListTotal returns the number of rows of a part of a list, formatted, or undefined until it is known. */
export function useListTotal<T>(definition: ListDefinition<T>, scope: SearchParams): string | undefined {
  const asOf = useAsOf()
  const params = {
    ...(scope as Record<string, string>),
    ...(isAsOfNoun(definition.noun) && asOfParam(asOf)),
    limit: '1',
    count: 'exact',
  }
  const { data } = useQuery(listQuery<T>(definition, params))
  return data?.total && formatTotal(data.total)
}
