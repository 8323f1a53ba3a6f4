import { api, page } from '../api/client'
import { TextLink } from '../components/links'
import { namesOf } from '../components/createNamesHook'

/** useComputerNames tells what computers are called. */
export const useComputerNames = namesOf('Computer', 'computers', (signal) => page(api.GET('/api/v1/computers', { params: { query: { limit: 1000 } }, signal })))

/** ComputerLink leads to a computer. */
export function ComputerLink({ id, name }: { id: number; name?: string | undefined }) {
  return (
    <TextLink to="/computers/$id" params={{ id: String(id) }}>
      {name ?? <Called id={id} />}
    </TextLink>
  )
}

function Called({ id }: { id: number }) {
  return useComputerNames()(id)
}
