import { type QueryClient, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage } from '../api/client'
import { refreshCustody } from '../checkouts/api'

// API calls for stock-takes: what a freezer or container should hold, compared with what was scanned.

export type Stocktake = Schemas['Stocktake']
export type StocktakeTotals = Schemas['StocktakeTotals']
export type StocktakeItem = Schemas['StocktakeItem']

/** StocktakeRow is a stock-take with the names of its freezer and container. */
export type StocktakeRow = Stocktake & { freezer_name?: string; container_description?: string | null }

/** StocktakeScope is what a stock-take covers: a freezer or a container. */
export type StocktakeScope = { freezer_id: number } | { container_uuid: string }

/** Closing says what closing a stock-take does with the differences. */
export interface Closing {
  missing: 'mark' | 'keep'
  misplaced: 'move' | 'keep'
  unexpected: 'move' | 'keep'
}

export const stocktakeQuery = (id: number) =>
  queryOptions({
    queryKey: ['stocktakes', id],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/stocktakes/{id}', { params: { path: { id } }, signal })),
  })

const listStocktakes = async (query: object, signal: AbortSignal): Promise<StocktakeRow[]> =>
  (await unwrapPage(api.GET('/api/v1/stocktakes', { params: { query: query as never }, signal }))).rows

/** latestStocktakeQuery returns the last stock-take of exactly this freezer or container, or null. */
export const latestStocktakeQuery = (scope: StocktakeScope) =>
  queryOptions({
    queryKey: ['stocktakes', 'latest', scope],
    queryFn: async ({ signal }) => {
      const query = 'freezer_id' in scope ? { ...scope, container_uuid__empty: true } : scope
      return (await listStocktakes({ ...query, sort: '-id', limit: 1 }, signal))[0] ?? null
    },
  })

/** openStocktakesQuery returns the open stock-takes, the newest first. */
export const openStocktakesQuery = queryOptions({
  queryKey: ['stocktakes', 'open'],
  queryFn: ({ signal }) =>
    listStocktakes({ closed_at__empty: true, include: 'freezer,container', sort: '-id', limit: 20 }, signal),
})

/** startStocktake starts a stock-take of what lies in a freezer or container now. */
export const startStocktake = (scope: StocktakeScope, note: string | null, key: string): Promise<Stocktake> =>
  unwrapCreated<Stocktake>(
    api.POST('/api/v1/stocktakes', {
      params: { header: { 'Idempotency-Key': key } },
      body: { ...scope, note } as never,
    }) as never,
  )

/** scanItem counts a container as seen, without a scanner. */
export const scanItem = (id: number, code: string): Promise<StocktakeItem> =>
  unwrap(api.POST('/api/v1/stocktakes/{id}/scans', { params: { path: { id } }, body: { code } as never }))

/** undoScan removes the scan of a code. */
export const undoScan = (id: number, code: string): Promise<StocktakeItem> =>
  unwrap(api.DELETE('/api/v1/stocktakes/{id}/scans/{code}', { params: { path: { id, code } } }))

/** closeStocktake writes the differences to the register. dryRun only counts them. */
export const closeStocktake = (stocktake: Pick<Stocktake, 'id' | 'version'>, closing: Closing, dryRun = false) =>
  unwrap(
    api.POST('/api/v1/stocktakes/{id}/close', {
      params: { path: { id: stocktake.id }, query: { dry_run: dryRun }, header: ifMatch(stocktake) },
      body: closing,
    }),
  )

/** refreshStocktakes fetches again what shows stock-takes. */
export const refreshStocktakes = (queryClient: QueryClient): Promise<void> =>
  queryClient.invalidateQueries({ predicate: ({ queryKey: [first] }) => String(first).startsWith('stocktakes') })

/** useStocktakeMutation returns a mutation of stock-takes that refreshes what shows them and their containers. */
export function useStocktakeMutation<Input, Result>(write: (input: Input) => Promise<Result>) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: write,
    onSettled: () => {
      void refreshStocktakes(queryClient)
      refreshCustody(queryClient)
    },
  })
}
