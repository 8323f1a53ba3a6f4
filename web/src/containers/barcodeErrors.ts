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
    const barcode = readBarcode(row, column)
    const isDuplicate = seen.has(barcode)
    if (barcode) seen.add(barcode)
    return isDuplicate ? [{ row, column, message: 'An earlier row has this barcode' }] : []
  })
}

const batchSize = 50 // barcodes in the URL of a request

/**
 * findUsedBarcodes returns an error for each barcode of an existing container. A request with such a barcode would
 * change that container.
 */
export async function findUsedBarcodes(rows: readonly SheetRow[], column: number): Promise<CellError[]> {
  const barcodes = [...new Set(rows.map((row) => findUuid(row.cells[column] ?? '')).filter((uuid) => uuid !== undefined))]
  const used = new Map<string, Container & { freezer_name?: string }>()
  for (const uuid of batches(barcodes, batchSize)) {
    const query = { uuid, include: 'freezer', limit: batchSize }
    const { rows: found } = await unwrapPage(api.GET('/api/v1/containers', { params: { query } }))
    for (const container of found) used.set(container.uuid, container)
  }
  return rows.flatMap((row) => {
    const container = used.get(readBarcode(row, column))
    return container ? [{ row, column, message: describeUse(container) }] : []
  })
}

const describeUse = (container: Container & { freezer_name?: string }) =>
  `Already used by ${containerTitle(container)}${container.freezer_name ? ` in ${container.freezer_name}` : ''}`

/** readBarcode returns the barcode of a row in the notation of the API, or ''. */
function readBarcode({ cells }: SheetRow, column: number): string {
  const text = (cells[column] ?? '').trim()
  return findUuid(text) ?? text
}
