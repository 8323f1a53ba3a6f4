import createClient from 'openapi-fetch'

import { authFetch } from './authFetch'
import { basePath } from './basePath'
import { Problem } from './problem'
import type { components, paths } from './schema'

// The API client. Its types are generated from api/openapi.json, so calls to unknown operations do not compile.

export type Schemas = components['schemas']

/**
 * api has one function per HTTP method: `api.GET('/api/v1/sites/{id}', { params: { path: { id } } })`.
 * Wrap calls in unwrap, unwrapPage, unwrapCreated or unwrapEmpty.
 */
export const api = createClient<paths, 'application/json'>({ baseUrl: location.origin + basePath, fetch: authFetch })

type ApiCall<T> = Promise<{ data?: T; error?: unknown; response: Response }>

/** unwrap returns the body of a response. It throws a Problem if the request failed. */
export async function unwrap<T>(call: ApiCall<T>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw Problem.fromResponse(response, error)
  return data
}

/**
 * unwrapCreated returns the row that a POST created. The cast is needed because a POST of several rows returns only
 * their number.
 */
export const unwrapCreated = <T>(call: ApiCall<T | Schemas['Stored']>) => unwrap(call) as Promise<T>

/** unwrapEmpty waits for a response and ignores its body. It throws a Problem if the request failed. */
export async function unwrapEmpty(call: ApiCall<unknown>): Promise<void> {
  const { error, response } = await call
  if (!response.ok) throw Problem.fromResponse(response, error)
}

/** Written is the body of a write with the ID of its request, which also names its change set. */
export type Written<T> = T & { requestId: string | undefined }

/** unwrapWritten returns the body of a write with the ID of its request. It throws a Problem if the request failed. */
export async function unwrapWritten<T extends object>(call: ApiCall<T>): Promise<Written<T>> {
  const body = await unwrap(call)
  return { ...body, requestId: (await call).response.headers.get('X-Request-Id') ?? undefined }
}

/** Page is one page of a list. A cursor is undefined if there is no such page. */
export interface Page<T> {
  rows: T[]
  nextCursor: string | undefined
  previousCursor?: string | undefined
  /** The number of rows on all pages, if the request asked for it. */
  total?: Total | undefined
}

export interface Total {
  count: number
  isEstimate: boolean
}

/** unwrapPage returns a page of a list. The Link header determines whether there are further pages. */
export async function unwrapPage<T>(call: ApiCall<T[]>): Promise<Page<T>> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw Problem.fromResponse(response, error)
  const link = response.headers.get('Link')
  return {
    rows: data,
    nextCursor: parseCursor(link, 'next', 'after'),
    previousCursor: parseCursor(link, 'prev', 'before'),
    total: parseTotal(response.headers),
  }
}

/** parseCursor returns the cursor of the next or previous page from a Link header (RFC 8288). */
export function parseCursor(
  link: string | null,
  rel: 'next' | 'prev',
  param: 'after' | 'before',
): string | undefined {
  const target = [...(link ?? '').matchAll(/<([^>]*)>\s*;\s*rel="(\w+)"/g)].find(([, , name]) => name === rel)?.[1]
  return (target && new URL(target, 'http://any').searchParams.get(param)) ?? undefined
}

function parseTotal(headers: Headers): Total | undefined {
  const text = headers.get('X-Total-Count')
  if (text === null) return undefined
  return { count: Number(text), isEstimate: headers.get('X-Total-Count-Kind') === 'estimated' }
}

/** ifMatch returns the If-Match header for a row, which prevents lost updates. */
export function ifMatch(row: { version: number }): { 'If-Match': string } {
  return { 'If-Match': `"${row.version}"` }
}
