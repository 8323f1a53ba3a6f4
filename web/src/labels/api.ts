import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { authFetch } from '../api/authFetch'
import { basePath } from '../api/basePath'
import { api, type Schemas, unwrap } from '../api/client'
import { Problem } from '../api/problem'
import type { QueryParams } from '../grid/listQuery'
import type { LabelSettings } from './settings'

// API calls for labels of containers. The server renders them.

export type LabelTemplate = Schemas['LabelTemplates']['templates'][number]

export const labelTemplatesQuery = queryOptions({
  queryKey: ['label-templates'],
  queryFn: async ({ signal }) => (await unwrap(api.GET('/api/v1/label-templates', { signal }))).templates,
  staleTime: Infinity,
})

export type LabelFormat = 'pdf' | 'zpl' | 'svg'

/** maxLabels is the largest number of labels in one file. */
export const maxLabels = 5000

/** LabelRequest is a file of labels. */
export interface LabelRequest {
  /** The parameters of the list of containers that select them. */
  params: QueryParams
  settings: LabelSettings
  format: LabelFormat
  /** Number of labels of the first sheet that are already used. */
  skip: number
}

/** labelsUrl returns the URL of a file of labels. */
export function labelsUrl({ params, settings, format, skip }: LabelRequest): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) for (const text of [value].flat()) query.append(name, text)
  query.set('template', settings.template)
  query.set('symbology', settings.symbology)
  query.set('lines', settings.lines.join(','))
  query.set('format', format)
  if (format === 'zpl') query.set('dpi', settings.dpi)
  else if (skip > 0) query.set('skip', String(skip))
  return `${basePath}/api/v1/labels?${query}`
}

/** labelPreviewQuery returns the label of one container as SVG. */
export const labelPreviewQuery = (uuid: string, settings: LabelSettings) => {
  const url = labelsUrl({ params: { uuid }, settings, format: 'svg', skip: 0 })
  return queryOptions({
    queryKey: ['containers', 'label preview', url],
    queryFn: ({ signal }) => fetchText(url, signal),
    placeholderData: keepPreviousData,
  })
}

/** labelCheckQuery renders files of labels and drops them: it fails if a label cannot be printed. */
export const labelCheckQuery = (requests: readonly LabelRequest[]) => {
  const urls = requests.map(labelsUrl)
  return queryOptions({
    queryKey: ['containers', 'label check', urls],
    queryFn: async ({ signal }) => {
      for (const url of urls) {
        const { ok } = await authFetch(new Request(location.origin + url, { method: 'HEAD', signal }))
        if (!ok) await fetchText(url, signal) // a response to HEAD does not say what is wrong
      }
      return true
    },
  })
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await authFetch(new Request(location.origin + url, { signal }))
  const text = await response.text()
  if (!response.ok) throw Problem.fromResponse(response, parseJson(text))
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
