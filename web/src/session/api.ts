import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query'

import { renewSession } from '../api/authFetch'
import { api, type Schemas, unwrap, unwrapEmpty } from '../api/client'

// Who one is. On an open server everybody is its admin, and there is no signing in.

const fetchSession = () => unwrap(api.GET('/auth/session'))

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async () => {
    const session = await fetchSession()
    if (session.signed_in || !session.refreshable) return session
    return (await renewSession(Date.now())) ? fetchSession() : session
  },
  // Signing in and out say so. When the access cookie ends the next one is to be had, at once or when somebody comes back to the page; otherwise
  // an open server would take one for anybody.
  staleTime: ({ state }) => msUntilExpiry(state.data) ?? Infinity,
  refetchInterval: ({ state }) => msUntilExpiry(state.data) ?? false,
})

/** msUntilExpiry is how many ms after its answer a session is to be asked for again; undefined for never. */
function msUntilExpiry(session: Schemas['CurrentSession'] | undefined): number | undefined {
  return session?.expires_in == null ? undefined : (session.expires_in + 1) * 1000
}

export type Role = Schemas['Account']['role']

/** Each may do what those before it may. */
export const roles: readonly Role[] = ['viewer', 'operator', 'admin']

/** useSession is who one is; undefined until that is known. */
export function useSession() {
  return useQuery(sessionQuery).data
}

/** usePermission tells whether one has a role. It only spares people buttons that the server would refuse. */
export function usePermission(requiredRole: Role): boolean {
  const session = useSession()
  return hasRole(session?.role, requiredRole)
}

/** hasRole tells whether a role may do what another one may. */
export function hasRole(role: Role | null | undefined, requiredRole: Role): boolean {
  return role != null && roles.indexOf(role) >= roles.indexOf(requiredRole)
}

export interface Credentials {
  username: string
  password: string
}

/** signIn lets somebody in, and tells who that is. */
export async function signIn(queryClient: QueryClient, { username, password }: Credentials) {
  await unwrapEmpty(api.POST('/auth/login', { body: { username, password, cookie: true } }))
  queryClient.clear() // nothing of whoever was here before
  return queryClient.fetchQuery(sessionQuery)
}

export function postSignOut(): Promise<void> {
  return unwrapEmpty(api.POST('/auth/logout'))
}

export function register({ username, password }: Credentials): Promise<void> {
  return unwrapEmpty(api.POST('/auth/register', { body: { username, password } }))
}
