import { api, unwrapPage } from '../api/client'
import { createNameHooks } from '../components/createNameHooks'
import { TextLink } from '../components/links'

/** useFreezerNames maps freezer IDs to names. */
export const { useNames: useFreezerNames } = createNameHooks('Freezer', 'freezers', (signal) =>
  unwrapPage(api.GET('/api/v1/freezers', { params: { query: { limit: 1000 } }, signal })),
)

/** FreezerLink links to a freezer. */
export function FreezerLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/freezers/$id" params={{ id: String(id) }}>
      {name ?? <FreezerName id={id} />}
    </TextLink>
  )
}

function FreezerName({ id }: { id: number }) {
  return useFreezerNames()(id)
}
