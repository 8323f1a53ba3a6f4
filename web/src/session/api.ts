import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query'

import { api, done, row, type Schemas } from '../api/client'
import { renew } from '../api/authFetch'

// Who one is. On an open server everybody is its admin, and there is no signing in.

const read = () => row(api.GET('/auth/session'))

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async () => {
    const found = await read()
    if (found.signed_in || !found.refreshable) return found
    return (await renew(Date.now())) ? read() : found
  },
  // Signing in and out say so. When the access cookie ends the next one is to be had, at once or when somebody comes back to the page; otherwise
  // an open server would take one for anybody.
  staleTime: ({ state }) => goodFor(state.data) ?? Infinity,
  refetchInterval: ({ state }) => goodFor(state.data) ?? false,
})

/** goodFor is how many ms after its answer a session is to be asked for again; undefined for never. */
function goodFor(known: Schemas['CurrentSession'] | undefined): number | undefined {
  return known?.expires_in == null ? undefined : (known.expires_in + 1) * 1000
}

export type Role = Schemas['Account']['role']

/** Each may do what those before it may. */
export const roles: readonly Role[] = ['viewer', 'operator', 'admin']

/** useSession is who one is; undefined until that is known. */
export function useSession() {
  return useQuery(sessionQuery).data
}

/** useMay tells whether one has a role. It only spares people buttons that the server would refuse. */
export function useMay(need: Role): boolean {
  const session = useSession()
  return includes(session?.role, need)
}

/** includes tells whether a role may do what another one may. */
export function includes(has: Role | null | undefined, need: Role): boolean {
  return has != null && roles.indexOf(has) >= roles.indexOf(need)
}

export interface Credentials {
  username: string
  password: string
}

/** signIn lets somebody in, and tells who that is. */
export async function signIn(queryClient: QueryClient, { username, password }: Credentials) {
  await done(api.POST('/auth/login', { body: { username, password, cookie: true } }))
  queryClient.clear() // nothing of whoever was here before
  return queryClient.fetchQuery(sessionQuery)
}

export function signOut(): Promise<void> {
  return done(api.POST('/auth/logout'))
}

export function register({ username, password }: Credentials): Promise<void> {
  return done(api.POST('/auth/register', { body: { username, password } }))
}
