import type { Changeset } from './api'

/**
 * mergeNewest returns the loaded change sets with those of a newer first page before them, so that a list grows at its
 * top and keeps its other rows.
 */
export function mergeNewest(newest: readonly Changeset[], loaded: readonly Changeset[]): Changeset[] {
  const current = new Map(newest.map((changeset) => [changeset.id, changeset]))
  const known = new Set(loaded.map(({ id }) => id))
  return [...newest.filter(({ id }) => !known.has(id)), ...loaded.map((changeset) => current.get(changeset.id) ?? changeset)]
}

/** isConnected reports whether a newer first page reaches the loaded change sets, so that none is missing between. */
export const isConnected = (newest: readonly Changeset[], loaded: readonly Changeset[]): boolean =>
  newest.length === 0 || loaded.length === 0 || newest.some(({ id }) => id === loaded[0]?.id)
