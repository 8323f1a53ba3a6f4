import { queryOptions } from '@tanstack/react-query'

import { api, done, etag, page, row, type Schemas } from '../api/client'
import { paged } from '../api/queries'
import type { Role } from '../session/api'

// Everything that the app asks of one's own account, its sessions and its API tokens.

export type Account = Schemas['Account']
export type Session = Schemas['ListOwnSessionsRow']
export type Token = Schemas['ListTokensRow']
export type NewToken = Schemas['APIToken']

export const ownLabels = { username: 'Username', id: 'Number', role: 'Role', risk: 'Risk', country: 'Country' } as const satisfies Partial<Record<keyof Account, string>>

export const readOwn = (signal?: AbortSignal) => row(api.GET('/account', { signal: signal ?? null }))

export const ownQuery = queryOptions({ queryKey: ['own'], queryFn: ({ signal }) => readOwn(signal) })

export const changeOwn = ({ country }: Partial<Account>, base: Account) => row(api.PATCH('/account', { params: { header: etag(base) }, body: { country: country ?? null } }))

export const changePassword = (current_password: string, password: string) => row(api.PATCH('/account', { body: { current_password, password } }))

export const deleteOwn = (base: Account, dryRun: boolean) => done(api.DELETE('/account', { params: { query: { dry_run: dryRun }, header: etag(base) } }))

const most = 1000

/** lives tells whether a session or a token is still good. */
export function lives({ revoked_at, expires_at }: Pick<Session, 'revoked_at' | 'expires_at'>, now = Date.now()): boolean {
  return revoked_at === null && Date.parse(expires_at) > now
}

/** sessionsQuery lists one's sessions, and with ended also those of the last month that are over. */
export const sessionsQuery = (ended: boolean) =>
  paged(['sessions', { ended }], async (after, signal) => {
    const { rows, next } = await page(api.GET('/auth/token', { params: { query: { after, limit: most } }, signal }))
    return { rows: rows.filter((one) => ended || lives(one)), next }
  })

export const endSession = ({ id }: Session) => done(api.PUT('/auth/token/{session_id}', { params: { path: { session_id: id } }, body: { revoke: true } }))

export const tokensQuery = paged(['tokens'], (after, signal) => page(api.GET('/api/v1/tokens', { params: { query: { after, limit: most } }, signal })))

export const createToken = (fields: { name: string; role: Role; days: number }) => row(api.POST('/api/v1/tokens', { body: fields }))

export const endToken = ({ id }: Token) => done(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }))
