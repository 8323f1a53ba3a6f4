import { api, unwrapPage } from '../api/client'
import { createNameHooks } from '../components/createNameHooks'
import { TextLink } from '../components/links'

/** useComputerNames maps computer IDs to names. */
export const { useNames: useComputerNames } = createNameHooks('Computer', 'computers', (signal) =>
  unwrapPage(api.GET('/api/v1/computers', { params: { query: { limit: 1000 } }, signal })),
)

/** ComputerLink links to a computer. */
export function ComputerLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/computers/$id" params={{ id: String(id) }}>
      {name ?? <ComputerName id={id} />}
    </TextLink>
  )
}

function ComputerName({ id }: { id: number }) {
  return useComputerNames()(id)
}
