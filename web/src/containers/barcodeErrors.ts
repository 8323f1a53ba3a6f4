import { batches } from '../api/batches'
import { api, unwrapPage } from '../api/client'
import type { CellError } from '../editableGrid/cellErrors'
import type { SheetRow } from '../editableGrid/sheet'
import { findUuid } from '../scan/parseCode'
import { type Container, containerTitle } from './api'

/** findDuplicateBarcodes returns an error for each barcode that an earlier row has as well. */
export function findDuplicateBarcodes(rows: readonly SheetRow[], column: number): CellError[] {
  const seen = new Set<string>()
  return rows.flatMap((row) => {
    const barcode = readCode(row, column)
    const isDuplicate = seen.has(barcode)
    if (barcode) seen.add(barcode)
    return isDuplicate ? [{ row, column, message: 'An earlier row has this barcode' }] : []
  })
}

const batchSize = 50 // barcodes in the URL of a request

/**
 * findUsedBarcodes returns an error for each barcode of an existing container. A request with such a UUID would
 * change that container.
 */
export async function findUsedBarcodes(rows: readonly SheetRow[], column: number): Promise<CellError[]> {
  const codes = [...new Set(rows.map((row) => readCode(row, column)).filter(Boolean))]
  const used = new Map<string, Container & { freezer_name?: string }>()
  const find = async (field: 'uuid' | 'barcode', values: string[]) => {
    for (const batch of batches(values, batchSize)) {
      const query = { [field]: batch, include: 'freezer', limit: batchSize }
      const { rows: found } = await unwrapPage(api.GET('/api/v1/containers', { params: { query } }))
      for (const container of found as Container[]) used.set(container[field] ?? '', container)
    }
  }
  await find('uuid', codes.filter((code) => findUuid(code)))
  await find('barcode', codes)
  return rows.flatMap((row) => {
    const container = used.get(readCode(row, column))
    return container ? [{ row, column, message: describeUse(container) }] : []
  })
}

const describeUse = (container: Container & { freezer_name?: string }) =>
  `Already used by ${containerTitle(container)}${container.freezer_name ? ` in ${container.freezer_name}` : ''}`

/** readCode returns the barcode of a row in the notation of the API, or ''. */
function readCode({ cells }: SheetRow, column: number): string {
  const text = (cells[column] ?? '').trim()
  return findUuid(text) ?? text
}
