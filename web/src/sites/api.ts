import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapPage, unwrapWritten } from '../api/client'
import type { EditOptions } from '../api/useRowEdit'
import { type AsOf, asOfKey, asOfParam } from '../asOf/asOf'
import { createHistoryReader } from '../changes/api'

// API calls for sites. Query keys of lists start with the plural, those of single rows with the singular.

export type Site = Schemas['Site']

/** Labels of the fields, in display order. */
export const siteLabels = {
  name: 'Name',
  contact: 'Contact',
  address: 'Address',
  state_or_region: 'State or region',
  country: 'Country',
  postcode_or_zip: 'Postcode or ZIP',
} as const satisfies Partial<Record<keyof Site, string>>

export type SiteField = keyof typeof siteLabels
export type SiteFields = Pick<Site, SiteField>
export const siteFields = Object.keys(siteLabels) as SiteField[]

export const siteQuery = (id: number, asOf?: AsOf) =>
  queryOptions({
    queryKey: ['site', id, ...asOfKey(asOf)],
    queryFn: ({ signal }) => fetchSite(id, signal, asOf),
  })

export const fetchSite = (id: number, signal?: AbortSignal, asOf?: AsOf) =>
  unwrap(
    api.GET('/api/v1/sites/{id}', {
      params: { path: { id }, query: asOfParam(asOf) as never },
      signal: signal ?? null,
    }),
  )

export const createSite = (fields: SiteFields) => unwrapCreated(api.POST('/api/v1/sites', { body: fields }))

export const updateSite = (changes: Partial<Site>, base: Site) =>
  unwrap(api.PATCH('/api/v1/sites/{id}', { params: { path: { id: base.id }, header: ifMatch(base) }, body: changes }))

export const deleteSite = (site: Site, { cascade, dryRun }: { cascade: boolean; dryRun: boolean }) =>
  unwrapWritten(
    api.DELETE('/api/v1/sites/{id}', {
      params: { path: { id: site.id }, query: { cascade, dry_run: dryRun }, header: ifMatch(site) },
    }),
  )

export const siteHistory = (id: number) =>
  createHistoryReader('site', id, (signal) =>
    unwrapPage(api.GET('/api/v1/sites/{id}/history', { params: { path: { id } }, signal })),
  )

/** siteEditOptions returns the options of useRowEdit for a site. */
export const siteEditOptions = ({ id }: Site): EditOptions<Site> => ({
  queryKey: siteQuery(id).queryKey,
  listKey: ['sites'],
  isSameRow: (row) => row.id === id,
  fetchRow: () => fetchSite(id),
  updateRow: updateSite,
})
