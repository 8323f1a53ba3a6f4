import { api, page } from '../api/client'
import { TextLink } from '../components/links'
import { namesOf } from '../components/createNamesHook'

/** useSiteNames tells what sites are called. */
export const useSiteNames = namesOf('Site', 'sites', (signal) => page(api.GET('/api/v1/sites', { params: { query: { limit: 1000 } }, signal })))

/** SiteLink leads to a site. */
export function SiteLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/sites/$id" params={{ id: String(id) }}>
      {name ?? <Called id={id} />}
    </TextLink>
  )
}

function Called({ id }: { id: number }) {
  return useSiteNames()(id)
}
