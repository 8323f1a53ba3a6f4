import { type QueryClient, queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapPage } from '../api/client'

// API calls for custody: who has a container, and what becomes of it.

export type Checkout = Schemas['Checkout']
export type RecordedCheckout = Schemas['RecordedCheckout']

/** CheckoutRow is a check-out with the names of its container, holder, freezer and site. */
export type CheckoutRow = Checkout & {
  container_description?: string | null
  freezer_id?: number
  freezer_name?: string
  site_id?: number
  site_name?: string
}

/** checkoutName returns what people call the container of a check-out. */
export function checkoutName({ container_description, container_uuid }: CheckoutRow): string {
  return container_description?.trim() ? container_description : container_uuid
}

/** NewCheckout says who takes a container. Without a holder, the caller does. */
export interface NewCheckout {
  container_uuid: string
  holder?: string
  due_on?: string | null
  purpose?: string | null
}

export type CheckoutTerms = Pick<Checkout, 'due_on' | 'purpose'>
export type Handover = CheckoutTerms & { holder: string }
/** Use says what is left of the contents of a container, and whether they were thawed. */
export interface Use {
  quantity?: string | null
  thawed?: boolean
}

const header = (idempotencyKey: string) => ({ 'Idempotency-Key': idempotencyKey })

export const checkOut = (body: NewCheckout, key: string): Promise<RecordedCheckout> =>
  unwrap(api.POST('/api/v1/checkouts', { params: { header: header(key) }, body: body as never }))

/** returnContainer ends the open check-out of a container. */
export const returnContainer = (uuid: string, use: Use, key: string): Promise<RecordedCheckout> =>
  unwrap(
    api.POST('/api/v1/containers/{uuid}/return', {
      params: { path: { uuid }, header: header(key) },
      body: use as never,
    }),
  )

/** handOver ends a check-out and creates one of another holder. */
export const handOver = ({ id }: Pick<Checkout, 'id'>, body: Handover, key: string): Promise<RecordedCheckout> =>
  unwrap(api.POST('/api/v1/checkouts/{id}/transfer', { params: { path: { id }, header: header(key) }, body }))

export const changeTerms = (base: Checkout, changes: Partial<CheckoutTerms>): Promise<Checkout> =>
  unwrap(
    api.PATCH('/api/v1/checkouts/{id}', {
      params: { path: { id: base.id }, header: ifMatch(base) },
      body: changes as never,
    }),
  )

/** Ending is what becomes of a container that nobody can use. */
export type Ending = 'discard' | 'lost'

export const endContainer = (uuid: string, ending: Ending, reason: string, key: string) =>
  unwrap(
    api.POST(`/api/v1/containers/{uuid}/${ending}`, {
      params: { path: { uuid }, header: header(key) },
      body: { reason },
    }),
  )

/** markFound marks a missing or discarded container as stored. */
export const markFound = (uuid: string, key: string) =>
  unwrap(api.POST('/api/v1/containers/{uuid}/found', { params: { path: { uuid }, header: header(key) }, body: {} }))

/** openCheckoutQuery returns the open check-out of a container, or null. */
export const openCheckoutQuery = (uuid: string) =>
  queryOptions({
    queryKey: ['checkouts', 'open', uuid],
    queryFn: async ({ signal }) => {
      const query = { container_uuid: [uuid], open: [true], limit: 1 }
      const { rows } = await unwrapPage(api.GET('/api/v1/checkouts', { params: { query: query as never }, signal }))
      return (rows[0] as Checkout | undefined) ?? null
    },
  })

/** timelineSize is the number of check-outs that a timeline shows. */
export const timelineSize = 50

/** timelineQuery returns the check-outs of a container, newest first. */
export const timelineQuery = (uuid: string) =>
  queryOptions({
    queryKey: ['checkouts', 'timeline', uuid],
    queryFn: ({ signal }) => {
      const query = { container_uuid: [uuid], sort: '-checked_out_at,-id', limit: timelineSize, count: 'exact' }
      return unwrapPage<Checkout>(
        api.GET('/api/v1/checkouts', { params: { query: query as never }, signal }) as never,
      )
    },
  })

/** barcodesQuery returns the barcodes of containers by UUID. */
export const barcodesQuery = (uuids: readonly string[]) =>
  queryOptions({
    queryKey: ['containers', 'barcodes', uuids],
    enabled: uuids.length > 0,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const query = { uuid__in: uuids.join(','), fields: 'uuid,barcode', limit: uuids.length }
      const { rows } = await unwrapPage<{ uuid: string; barcode: string | null }>(
        api.GET('/api/v1/containers', { params: { query: query as never }, signal }) as never,
      )
      return new Map(rows.map(({ uuid, barcode }) => [uuid, barcode]))
    },
  })

/** custodyKeys begin the keys of the queries that a write of custody changes. */
const custodyKeys = ['checkouts', 'container', 'containers', 'storage', 'events', 'feed', 'changes', 'summary']

/** refreshCustody fetches again what shows who has a container. */
export function refreshCustody(queryClient: QueryClient): void {
  for (const key of custodyKeys) void queryClient.invalidateQueries({ queryKey: [key] })
}
