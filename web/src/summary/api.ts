import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, type Schemas, unwrap } from '../api/client'
import { localDay } from '../components/localDay'
import { useSelectedSite } from '../sites/selectedSite'

// The summary of the laboratory: what the overview and the menu show, in one request.

export type Summary = Schemas['Summary']

const refreshInterval = 60_000 // ms; there are no live updates of the rows that other users create

/** summaryQuery returns the summary of all sites, or of one. Live updates of events and alerts refresh it. */
export const summaryQuery = (siteId: number | undefined) =>
  queryOptions({
    queryKey: ['summary', siteId],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/summary', { params: { query: { site_id: siteId, today: localDay() } }, signal })),
    refetchInterval: refreshInterval,
  })

/** useSummary returns the summary of the selected site, or of all sites. */
export function useSummary() {
  const { siteId } = useSelectedSite()
  return useQuery(summaryQuery(siteId))
}
