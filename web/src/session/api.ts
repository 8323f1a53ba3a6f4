import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query'
import { use } from 'react'

import { renewSession } from '../api/authFetch'
import { api, type Schemas, unwrap, unwrapEmpty } from '../api/client'
import { ReadOnlyContext } from './readOnly'

// The session of the current user. On an open server every caller is an admin and there is no sign-in.

const fetchSession = () => unwrap(api.GET('/auth/session'))

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async () => {
    const session = await fetchSession()
    if (session.signed_in || !session.refreshable) return session
    return (await renewSession(Date.now())) ? fetchSession() : session
  },
  // Signing in and out update the session. When the access cookie expires, the session is renewed at once, or when the
  // page becomes visible again. Otherwise an open server would treat the user as anonymous.
  staleTime: ({ state }) => msUntilExpiry(state.data) ?? Infinity,
  refetchInterval: ({ state }) => msUntilExpiry(state.data) ?? false,
})

/** msUntilExpiry returns the time in ms after which a session must be fetched again, or undefined for never. */
function msUntilExpiry(session: Schemas['CurrentSession'] | undefined): number | undefined {
  return session?.expires_in == null ? undefined : (session.expires_in + 1) * 1000
}

export type Role = Schemas['Account']['role']

/** roles are in ascending order: each role has the permissions of all roles before it. */
export const roles: readonly Role[] = ['viewer', 'operator', 'admin']

/** useSession returns the current session, or undefined until it is loaded. */
export function useSession() {
  return useQuery(sessionQuery).data
}

/**
 * usePermission reports whether the current user has the permissions of a role. Screens of the past are read-only. It
 * only hides controls; the server enforces permissions.
 */
export function usePermission(requiredRole: Role): boolean {
  const session = useSession()
  const isReadOnly = use(ReadOnlyContext)
  return hasRole(isReadOnly && session?.role ? 'viewer' : session?.role, requiredRole)
}

/** hasRole reports whether a role has the permissions of the required role. */
export function hasRole(role: Role | null | undefined, requiredRole: Role): boolean {
  return role != null && roles.indexOf(role) >= roles.indexOf(requiredRole)
}

export interface Credentials {
  username: string
  password: string
}

/** signIn signs a user in and returns the new session. */
export async function signIn(queryClient: QueryClient, { username, password }: Credentials) {
  await unwrapEmpty(api.POST('/auth/login', { body: { username, password, cookie: true } }))
  queryClient.clear() // drops the data of the previous user
  return queryClient.fetchQuery(sessionQuery)
}

export function postSignOut(): Promise<void> {
  return unwrapEmpty(api.POST('/auth/logout'))
}

export type LinkInfo = Schemas['LinkInfo']

/** linkQuery returns whose password an invitation or a reset sets. */
export const linkQuery = (token: string) =>
  queryOptions({
    queryKey: ['link', token],
    queryFn: ({ signal }) => unwrap(api.POST('/auth/link', { body: { token }, signal })),
    staleTime: Infinity,
    gcTime: 0, // do not cache the token
  })

export function setPasswordWithLink(token: string, password: string): Promise<LinkInfo> {
  return unwrap(api.POST('/auth/password', { body: { token, password } }))
}

export function register({ username, password }: Credentials): Promise<void> {
  return unwrapEmpty(api.POST('/auth/register', { body: { username, password } }))
}
