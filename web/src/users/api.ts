import { queryOptions } from '@tanstack/react-query'

import { api, created, etag, page, row, type Schemas } from '../api/client'
import { paged } from '../api/queries'
import { newestFirst } from '../changes/api'

// Everything that the app asks of accounts. All of it is for admins.

export type User = Schemas['Account']

export const userLabels = {
  username: 'Username',
  country: 'Country',
  risk: 'Risk',
  role: 'Role',
  disabled: 'Disabled',
} as const satisfies Partial<Record<keyof User, string>>

export type UserField = keyof typeof userLabels
export type UserFields = Pick<User, UserField>
export const userFields = Object.keys(userLabels) as UserField[]

export const risks: NonNullable<User['risk']>[] = ['low', 'medium', 'high']

export type UserFilters = Partial<Record<UserField, string>>

export const usersQuery = ({ disabled, ...filters }: UserFilters = {}) =>
  paged(['users', { ...filters, disabled }], (after, signal) =>
    page(api.GET('/api/v1/users', { params: { query: { ...filters, ...(disabled && { disabled: disabled === 'true' }), after } }, signal })),
  )

export const userQuery = (id: number) => queryOptions({ queryKey: ['user', id], queryFn: ({ signal }) => readUser(id, signal) })

export const readUser = (id: number, signal?: AbortSignal) => row(api.GET('/api/v1/users/{id}', { params: { path: { id } }, signal: signal ?? null }))

export const createUser = (fields: UserFields) => created(api.POST('/api/v1/users', { body: fields }))

export const changeUser = (changes: Partial<User>, base: User) =>
  row(api.PATCH('/api/v1/users/{id}', { params: { path: { id: base.id }, header: etag(base) }, body: changes }))

export const deleteUser = (user: User, { dryRun }: { dryRun: boolean }) =>
  row(api.DELETE('/api/v1/users/{id}', { params: { path: { id: user.id }, query: { dry_run: dryRun }, header: etag(user) } }))

export const userHistory = (id: number) => newestFirst('account', id, (signal) => page(api.GET('/api/v1/users/{id}/history', { params: { path: { id } }, signal })))
