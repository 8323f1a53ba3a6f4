import { api, type Schemas, unwrapPage } from '../api/client'
import { pagedQuery } from '../api/queries'

// Freezers and computers in one list. The API's list of both has no filter by type, so a filtered list uses the
// endpoint of that type.

type InstrumentRow = Schemas['Instrument']

export type Instrument = Pick<InstrumentRow, 'name' | 'site_id'> &
  Partial<Pick<InstrumentRow, 'site_name'> & Pick<Schemas['Computer'], 'mac'>> & {
    kind: 'freezer' | 'computer'
    id: number
  }

export type InstrumentFilters = Partial<Record<'kind' | 'name' | 'site_id' | 'mac', string>>

export const instrumentsQuery = ({ kind, name, site_id, mac }: InstrumentFilters) => {
  const query = { name, site_id: site_id as number | undefined } // filters come from the URL as text
  return pagedQuery<Instrument>(['instruments', 'table', { kind, name, site_id, mac }], async (after, signal) => {
    if (kind === 'freezer') {
      const { rows, nextCursor } = await unwrapPage(
        api.GET('/api/v1/freezers', { params: { query: { ...query, after } }, signal }),
      )
      return { rows: rows.map((instrument) => ({ kind: 'freezer', ...instrument })), nextCursor }
    }
    if (kind === 'computer') {
      const { rows, nextCursor } = await unwrapPage(
        api.GET('/api/v1/computers', { params: { query: { ...query, mac, after } }, signal }),
      )
      return { rows: rows.map((instrument) => ({ kind: 'computer', ...instrument })), nextCursor }
    }
    const { rows, nextCursor } = await unwrapPage(
      api.GET('/api/v1/instruments', { params: { query: { ...query, after } }, signal }),
    )
    return {
      rows: rows.map(({ freezer_id, computer_id, ...instrument }) => ({
        ...instrument,
        kind: freezer_id === null ? 'computer' : 'freezer',
        id: freezer_id ?? computer_id ?? 0,
      })),
      nextCursor,
    }
  })
}
