import { api, page } from '../api/client'
import { TextLink } from '../components/links'
import { namesOf } from '../components/createNamesHook'

/** useFreezerNames tells what freezers are called. */
export const useFreezerNames = namesOf('Freezer', 'freezers', (signal) => page(api.GET('/api/v1/freezers', { params: { query: { limit: 1000 } }, signal })))

/** FreezerLink leads to a freezer. */
export function FreezerLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/freezers/$id" params={{ id: String(id) }}>
      {name ?? <Called id={id} />}
    </TextLink>
  )
}

function Called({ id }: { id: number }) {
  return useFreezerNames()(id)
}
