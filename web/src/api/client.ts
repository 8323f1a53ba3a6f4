import createClient from 'openapi-fetch'

import { Problem } from './problem'
import type { components, paths } from './schema'
import { send } from './authFetch'

// This file is the only way to the server. Its types come from api/openapi.json, so a call that the server does not know does not compile.

export type Schemas = components['schemas']

/** api has a method for each HTTP method: api.GET('/api/v1/sites/{id}', { params: { path: { id } } }). Wrap it in row, page or done. */
export const api = createClient<paths, 'application/json'>({ baseUrl: location.origin, fetch: send })

type Answer<T> = Promise<{ data?: T; error?: unknown; response: Response }>

/** row is the body of an answer; it throws a Problem when the answer is none. */
export async function row<T>(call: Answer<T>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw Problem.of(response, error)
  return data
}

/** created is the row that a POST has created; the types say that many at once would be answered by their number. */
export const created = <T>(call: Answer<T | Schemas['Stored']>) => row(call) as Promise<T>

/** done waits for an answer whose body does not matter. */
export async function done(call: Answer<unknown>): Promise<void> {
  const { error, response } = await call
  if (!response.ok) throw Problem.of(response, error)
}

/** A Page is some rows of a list, and where the next page begins; undefined after the last one. */
export interface Page<T> {
  rows: T[]
  next: string | undefined
}

/** page is a page of a list. Its end is told by the header Link, not by how many rows there are. */
export async function page<T>(call: Answer<T[]>): Promise<Page<T>> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw Problem.of(response, error)
  return { rows: data, next: afterOf(response.headers.get('Link')) }
}

/** afterOf reads the key of the last row out of a Link header: RFC 8288. */
export function afterOf(link: string | null): string | undefined {
  const target = link?.match(/<([^>]*)>\s*;\s*rel="next"/)?.[1]
  return (target && new URL(target, 'http://any').searchParams.get('after')) ?? undefined
}

/** etag is the If-Match of a row as it was read: nobody's work is lost. */
export function etag(known: { version: number }): { 'If-Match': string } {
  return { 'If-Match': `"${known.version}"` }
}
