import { queryOptions } from '@tanstack/react-query'

import { api, type Schemas, unwrap, unwrapPage } from '../api/client'
import { pagedQuery } from '../api/queries'
import type { Change } from '../changes/api'

// Change sets: all changes of one request. Their keys start with 'changesets', which every write of the app invalidates.

export type Changeset = Schemas['Changeset']

/** ChangesetParams are the filters of the list of change sets. */
export type ChangesetParams = Partial<Record<'actor' | 'noun' | 'message__contains' | 'from' | 'to', string>>

const pageSize = 50

function fetchChangesets(params: ChangesetParams, after: string | undefined, signal: AbortSignal) {
  const query = { ...params, sort: '-at', limit: pageSize, after } as object
  return unwrapPage(api.GET('/api/v1/changesets', { params: { query }, signal }))
}

/** changesetsQuery returns the change sets that match filters, newest first. */
export const changesetsQuery = (params: ChangesetParams) =>
  pagedQuery(['changesets', 'list', params], (after, signal) => fetchChangesets(params, after, signal))

/** newestChangesetsQuery returns the first page of changesetsQuery. */
export const newestChangesetsQuery = (params: ChangesetParams) =>
  queryOptions({
    queryKey: ['changesets', 'newest', params],
    queryFn: ({ signal }) => fetchChangesets(params, undefined, signal),
  })

/** changesetQuery returns a change set by its ID, or by the ID of its request. */
export const changesetQuery = (id: string) =>
  queryOptions({
    queryKey: ['changesets', 'one', id],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/changesets/{id}', { params: { path: { id } }, signal })),
  })

/** changesetChangesQuery returns the single changes of a change set, in the order in which they were made or reversed. */
export const changesetChangesQuery = (id: number, { isReversed = false } = {}) =>
  pagedQuery(['changesets', 'changes', id, isReversed], (after, signal) => {
    const query = { changeset_id: [id], sort: isReversed ? '-id' : 'id', limit: pageSize, after }
    return unwrapPage<Change>(api.GET('/api/v1/changes', { params: { query }, signal }))
  })

interface UndoOptions {
  /** Only checks whether the change set can be undone. */
  dryRun?: boolean
  /** Why the change set is undone. */
  reason?: string
}

/** undoChangeset undoes a change set and returns the new one. A change set has the ID of its request, too. */
export const undoChangeset = (id: string, { dryRun = false, reason = '' }: UndoOptions = {}): Promise<Changeset> =>
  unwrap(
    api.POST('/api/v1/changesets/{id}/undo', {
      params: {
        path: { id },
        query: { dry_run: dryRun },
        ...(reason.trim() !== '' && { header: { 'X-Change-Message': toHeaderValue(reason.trim()) } }),
      },
    }),
  )

/** toHeaderValue returns a text as a header of UTF-8 bytes, which fetch expects as characters below 256. */
export const toHeaderValue = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text))
