import { queryOptions, useQuery } from '@tanstack/react-query'

import { api, done } from '../api/client'
import { renew, send } from '../api/send'

// Who one is. On an open server everybody is its admin, and there is no signing in.

// TODO until the server has GET /auth/session
interface Session {
  username: string | null
  role: string | null
  signed_in: boolean
  open: boolean
}
async function read(): Promise<Session> {
  const response = await send(new Request('/auth/session'))
  return response.ok ? ((await response.json()) as Session) : { username: 'anonymous', role: 'admin', signed_in: false, open: true }
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: Infinity, // signing in and out say so
  queryFn: async (): Promise<Session> => {
    const found = await read()
    if (found.signed_in || found.open) return found
    // The cookie may just have run out, and then the next one is to be had. Who never signed in has none.
    return (await renew(Date.now())) ? read() : found
  },
})

export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

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
export function includes(has: string | null | undefined, need: Role): boolean {
  return roles.findIndex((role) => role === has) >= roles.indexOf(need)
}

export function signIn(username: string, password: string): Promise<void> {
  return done(api.POST('/auth/login', { body: { username, password, cookie: true } as { username: string; password: string } }))
}

export function signOut(): Promise<void> {
  return done(api.POST('/auth/logout'))
}

export function register(username: string, password: string): Promise<void> {
  return done(api.POST('/auth/register', { body: { username, password } }))
}
