import type { QueryParams } from '../grid/listQuery'

/** LabelSource is the containers that get labels: those of a list, or some that are known by their UUIDs. */
export type LabelSource =
  | { params: QueryParams; count: number; firstUuid: string }
  | { uuids: readonly string[] }

/** LabelPart is the labels of one file. */
export interface LabelPart {
  params: QueryParams
  /** The numbers of its labels, from 1. */
  first: number
  last: number
  /** Number of labels of its first sheet that are already used. */
  skip: number
}

const maxUuids = 100 // values of one filter

/**
 * splitLabels returns the files that the labels of a source need. A request names at most 100 containers. A part begins
 * with a new sheet, unless a sheet has more labels than a part.
 */
export function splitLabels(source: LabelSource, perPage: number, skip: number): LabelPart[] {
  if (!('uuids' in source)) return [{ params: source.params, first: 1, last: source.count, skip }]
  const parts: LabelPart[] = []
  let used = skip
  for (let start = 0; start < source.uuids.length; ) {
    const size = perPage > maxUuids ? maxUuids : Math.floor((maxUuids + used) / perPage) * perPage - used
    const uuids = source.uuids.slice(start, start + Math.min(size || maxUuids, maxUuids))
    parts.push({ params: { uuid__in: uuids.join(',') }, first: start + 1, last: start + uuids.length, skip: used })
    start += uuids.length
    used = (used + uuids.length) % perPage
  }
  return parts
}

export const countLabels = (source: LabelSource): number => ('uuids' in source ? source.uuids.length : source.count)

/** firstUuid returns the UUID of the first container, or '' if there is none. */
export const firstUuid = (source: LabelSource): string =>
  'uuids' in source ? (source.uuids[0] ?? '') : source.firstUuid
