import { api, unwrapPage } from '../api/client'
import { createNameHooks } from '../components/createNameHooks'
import { TextLink } from '../components/links'

/** useSiteNames maps site IDs to names; useSiteOptions lists them by name. */
export const { useNames: useSiteNames, useOptions: useSiteOptions } = createNameHooks('Site', 'sites', (signal) =>
  unwrapPage(api.GET('/api/v1/sites', { params: { query: { limit: 1000 } }, signal })),
)

/** SiteLink links to a site. */
export function SiteLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/sites/$id" params={{ id: String(id) }}>
      {name ?? <SiteName id={id} />}
    </TextLink>
  )
}

function SiteName({ id }: { id: number }) {
  return useSiteNames()(id)
}
