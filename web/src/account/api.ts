import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapEmpty, unwrapPage } from '../api/client'
import type { Role } from '../session/api'

// API calls for the user's own account, its sessions and its API tokens.

export type Account = Schemas['Account']
export type Session = Schemas['ListOwnSessionsRow']
export type Token = Schemas['ListTokensRow']
export type NewToken = Schemas['APIToken']

export const accountLabels = {
  display_name: 'Name',
  email: 'E-mail',
  country: 'Country',
  username: 'Username',
  role: 'Role',
  risk: 'Risk level',
} as const satisfies Partial<Record<keyof Account, string>>

/** OwnFields are the fields of an account that its user can edit. */
export type OwnFields = Pick<Account, 'display_name' | 'email' | 'country'>

export const fetchAccount = (signal?: AbortSignal) => unwrap(api.GET('/account', { signal: signal ?? null }))

export const accountQuery = queryOptions({ queryKey: ['account'], queryFn: ({ signal }) => fetchAccount(signal) })

export const updateAccount = (changes: Partial<OwnFields>, base: Account) =>
  unwrap(api.PATCH('/account', { params: { header: ifMatch(base) }, body: changes }))

export const changePassword = (current_password: string, password: string) =>
  unwrap(api.PATCH('/account', { body: { current_password, password } }))

export const deleteAccount = (base: Account, dryRun: boolean) =>
  unwrapEmpty(api.DELETE('/account', { params: { query: { dry_run: dryRun }, header: ifMatch(base) } }))

const maxPageSize = 1000

/** isActive reports whether a session or a token is neither revoked nor expired. */
export function isActive(
  { revoked_at, expires_at }: Pick<Session, 'revoked_at' | 'expires_at'>,
  now = Date.now(),
): boolean {
  return revoked_at === null && Date.parse(expires_at) > now
}

/** sessionsQuery returns the user's active sessions and, with includeEnded, those that ended within the last month. */
export const sessionsQuery = (includeEnded: boolean) =>
  queryOptions({
    queryKey: ['sessions', { includeEnded }],
    queryFn: async ({ signal }) => {
      const { rows, nextCursor } = await unwrapPage(
        api.GET('/auth/token', { params: { query: { limit: maxPageSize } }, signal }),
      )
      return { rows: rows.filter((session) => includeEnded || isActive(session)), nextCursor }
    },
  })

export const revokeSession = ({ id }: Session) =>
  unwrapEmpty(api.PUT('/auth/token/{session_id}', { params: { path: { session_id: id } }, body: { revoke: true } }))

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) =>
    unwrapPage(api.GET('/api/v1/tokens', { params: { query: { limit: maxPageSize } }, signal })),
})

export const createToken = (fields: { name: string; role: Role; days: number }) =>
  unwrap(api.POST('/api/v1/tokens', { body: fields }))

export const revokeToken = ({ id }: Token) =>
  unwrapEmpty(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }))
