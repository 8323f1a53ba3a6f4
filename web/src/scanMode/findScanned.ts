import { api, unwrap, unwrapPage } from '../api/client'
import { appPath } from '../api/basePath'
import type { Container } from '../containers/api'
import { parseCode } from '../scan/parseCode'
import type { ScanEntry } from './types'

// Finds what a code identifies.

/** FoundContainer is a container with the name of its freezer. */
export type FoundContainer = Container & { freezer_name?: string }

/** codeOf returns the text of a scan, or what an undo is about. */
export const codeOf = ({ texts, action }: ScanEntry): string =>
  action.kind === 'undo' ? action.what : (texts.find((text) => text.trim() !== '')?.trim() ?? '')

export const requestTimeout = 15_000 // ms; without a network, a request may have no answer at all

async function listContainers(query: object): Promise<FoundContainer[]> {
  const signal = AbortSignal.timeout(requestTimeout)
  const params = { query: { ...query, include: 'freezer' } as never }
  const { rows } = await unwrapPage<FoundContainer>(api.GET('/api/v1/containers', { params, signal }) as never)
  return rows
}

const toCode = (texts: readonly string[]) => parseCode(texts, { hostname: location.hostname, basepath: appPath })

/** findContainer returns the container with a barcode, or else with a UUID. texts are the code, the best first. */
export async function findContainer(texts: readonly string[]): Promise<FoundContainer | undefined> {
  const code = toCode(texts)
  if ('path' in code) {
    const [, uuid] = /^\/containers\/([0-9a-f-]{36})$/.exec(code.path) ?? []
    return uuid === undefined ? undefined : (await listContainers({ uuid: [uuid] }))[0]
  }
  const barcodes = [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ''))]
  if (barcodes.length === 0) return undefined
  const found = await listContainers({ barcode: barcodes })
  const byBarcode = barcodes.map((barcode) => found.find((row) => row.barcode === barcode)).find(Boolean)
  if (byBarcode || !('uuid' in code)) return byBarcode
  return (await listContainers({ uuid: [code.uuid] }))[0]
}

/** findFreezers returns the freezers that a code names: by the address of its page, or by its name. */
export async function findFreezers(texts: readonly string[]): Promise<{ id: number; name: string }[]> {
  const code = toCode(texts)
  const [, id] = ('path' in code && /^\/freezers\/(\d+)$/.exec(code.path)) || []
  if ('path' in code && id === undefined) return []
  const query = id === undefined ? { name: texts.map((text) => text.trim()).filter(Boolean) } : { id: [id] }
  const signal = AbortSignal.timeout(requestTimeout)
  const { rows } = await unwrapPage(api.GET('/api/v1/freezers', { params: { query: query as never }, signal }))
  return rows
}

/** fetchWhere returns where a container lies: "Minus80-B2 › Rack 3 › Box 12, A4". */
export async function fetchWhere(uuid: string): Promise<string> {
  const signal = AbortSignal.timeout(requestTimeout)
  return formatWhere(
    await unwrap(api.GET('/api/v1/containers/{uuid}/path', { params: { path: { uuid } }, signal })),
  )
}

interface Step {
  uuid: string
  description: string | null
  barcode: string | null
  position: string | null
}

/** formatWhere returns the way to a container without the container itself, and its position. */
export function formatWhere({ freezer_name, path }: { freezer_name: string; path: Step[] }): string {
  const names = path.slice(0, -1).map(({ description, barcode, uuid }) => description?.trim() || barcode || uuid)
  const position = path.at(-1)?.position
  return [freezer_name, ...names].join(' › ') + (position ? `, ${position}` : '')
}
