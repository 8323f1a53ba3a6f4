import createClient from 'openapi-fetch'

import { authFetch } from './authFetch'
import { Problem } from './problem'
import type { components, paths } from './schema'

// This file is the only way to the server. Its types come from api/openapi.json, so a call that the server does not know does not compile.

export type Schemas = components['schemas']

/** api has a method for each HTTP method: api.GET('/api/v1/sites/{id}', { params: { path: { id } } }). Wrap it in unwrap, unwrapPage or unwrapEmpty. */
export const api = createClient<paths, 'application/json'>({ baseUrl: location.origin, fetch: authFetch })

type ApiCall<T> = Promise<{ data?: T; error?: unknown; response: Response }>

/** unwrap is the body of an answer; it throws a Problem when the answer is none. */
export async function unwrap<T>(call: ApiCall<T>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw Problem.fromResponse(response, error)
  return data
}

/** unwrapCreated is the row that a POST has created; the types say that many at once would be answered by their number. */
export const unwrapCreated = <T>(call: ApiCall<T | Schemas['Stored']>) => unwrap(call) as Promise<T>

/** unwrapEmpty waits for an answer whose body does not matter. */
export async function unwrapEmpty(call: ApiCall<unknown>): Promise<void> {
  const { error, response } = await call
  if (!response.ok) throw Problem.fromResponse(response, error)
}

/** A Page is some rows of a list, and where the next page begins; undefined after the last one. */
export interface Page<T> {
  rows: T[]
  nextCursor: string | undefined
}

/** unwrapPage is a page of a list. Its end is told by the header Link, not by how many rows there are. */
export async function unwrapPage<T>(call: ApiCall<T[]>): Promise<Page<T>> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw Problem.fromResponse(response, error)
  return { rows: data, nextCursor: parseNextCursor(response.headers.get('Link')) }
}

/** parseNextCursor reads the key of the last row out of a Link header: RFC 8288. */
export function parseNextCursor(link: string | null): string | undefined {
  const target = link?.match(/<([^>]*)>\s*;\s*rel="next"/)?.[1]
  return (target && new URL(target, 'http://any').searchParams.get('after')) ?? undefined
}

/** ifMatch is the If-Match of a row as it was read: nobody's work is lost. */
export function ifMatch(row: { version: number }): { 'If-Match': string } {
  return { 'If-Match': `"${row.version}"` }
}
