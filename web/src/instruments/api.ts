import { api, page, type Schemas } from '../api/client'
import { paged } from '../api/queries'

// Freezers and computers in one list. The server's own list of both has no filter by kind; then it is the list of that kind.

type Row = Schemas['Instrument']

export type Instrument = Pick<Row, 'name' | 'site_id'> & Partial<Pick<Row, 'site_name'> & Pick<Schemas['Computer'], 'mac'>> & { kind: 'freezer' | 'computer'; id: number }

export type InstrumentFilters = Partial<Record<'kind' | 'name' | 'site_id' | 'mac', string>>

export const instrumentsQuery = ({ kind, name, site_id, mac }: InstrumentFilters) => {
  const query = { name, site_id: site_id as number | undefined } // a filter is text, as it stands in the address
  return paged<Instrument>(['instruments', 'table', { kind, name, site_id, mac }], async (after, signal) => {
    if (kind === 'freezer') {
      const { rows, next } = await page(api.GET('/api/v1/freezers', { params: { query: { ...query, after } }, signal }))
      return { rows: rows.map((one) => ({ kind: 'freezer', ...one })), next }
    }
    if (kind === 'computer') {
      const { rows, next } = await page(api.GET('/api/v1/computers', { params: { query: { ...query, mac, after } }, signal }))
      return { rows: rows.map((one) => ({ kind: 'computer', ...one })), next }
    }
    const { rows, next } = await page(api.GET('/api/v1/instruments', { params: { query: { ...query, after } }, signal }))
    return { rows: rows.map(({ freezer_id, computer_id, ...one }) => ({ ...one, kind: freezer_id === null ? 'computer' : 'freezer', id: freezer_id ?? computer_id ?? 0 })), next }
  })
}
