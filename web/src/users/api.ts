import { queryOptions } from '@tanstack/react-query'

import { api, ifMatch, type Schemas, unwrap, unwrapCreated, unwrapEmpty, unwrapPage } from '../api/client'
import { createHistoryReader } from '../changes/api'
import { type FormatField, formatValue } from '../components/formatValue'

// API calls for users. All of them require the admin role.

export type User = Schemas['Account']

export const userLabels = {
  display_name: 'Name',
  username: 'Username',
  email: 'E-mail',
  country: 'Country',
  risk: 'Risk level',
  role: 'Role',
  disabled: 'Deactivated',
} as const satisfies Partial<Record<keyof User, string>>

export type UserField = keyof typeof userLabels
export type UserFields = Pick<User, UserField>
export const userFields = Object.keys(userLabels) as UserField[]

/** formatUserField formats the fields of a user in histories and conflicts. */
export const formatUserField: FormatField = (_, value) =>
  typeof value === 'boolean' ? (value ? 'Yes' : 'No') : formatValue(value)

export const risks: NonNullable<User['risk']>[] = ['low', 'medium', 'high']

export const userQuery = (id: number) =>
  queryOptions({ queryKey: ['user', id], queryFn: ({ signal }) => fetchUser(id, signal) })

export const fetchUser = (id: number, signal?: AbortSignal) =>
  unwrap(api.GET('/api/v1/users/{id}', { params: { path: { id } }, signal: signal ?? null }))

export const createUser = (fields: UserFields) => unwrapCreated(api.POST('/api/v1/users', { body: fields }))

export const updateUser = (changes: Partial<User>, base: User) =>
  unwrap(api.PATCH('/api/v1/users/{id}', { params: { path: { id: base.id }, header: ifMatch(base) }, body: changes }))

export const deleteUser = (user: User, { dryRun }: { dryRun: boolean }) =>
  unwrapEmpty(
    api.DELETE('/api/v1/users/{id}', {
      params: { path: { id: user.id }, query: { dry_run: dryRun }, header: ifMatch(user) },
    }),
  )

export type Access = Schemas['UserAccess']
export type PasswordLink = Schemas['PasswordLink']

/** accessQuery returns whether and how a user can sign in. */
export const accessQuery = (id: number) =>
  queryOptions({
    queryKey: ['user', id, 'access'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/users/{id}/access', { params: { path: { id } }, signal })),
  })

/** createPasswordLink creates an invitation or a password reset. It replaces the former link of the user. */
export const createPasswordLink = (id: number) =>
  unwrap(api.POST('/api/v1/users/{id}/password-link', { params: { path: { id } }, body: {} }))

export const revokePasswordLink = (id: number) =>
  unwrapEmpty(api.DELETE('/api/v1/users/{id}/password-link', { params: { path: { id } } }))

export const userHistory = (id: number) =>
  createHistoryReader('account', id, (signal) =>
    unwrapPage(api.GET('/api/v1/users/{id}/history', { params: { path: { id } }, signal })),
  )
