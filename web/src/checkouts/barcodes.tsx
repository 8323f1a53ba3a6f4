import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext } from 'react'

import { barcodesQuery, type CheckoutRow } from './api'

const Barcodes = createContext<Map<string, string | null>>(new Map())

/** BarcodesOf fetches the barcodes of the containers of check-outs, which the list of the API does not have. */
export function BarcodesOf({ rows, children }: { rows: readonly CheckoutRow[]; children: ReactNode }) {
  const uuids = [...new Set(rows.map(({ container_uuid }) => container_uuid))].sort()
  const { data } = useQuery(barcodesQuery(uuids))
  return <Barcodes value={data ?? new Map()}>{children}</Barcodes>
}

/** Barcode shows the barcode of a container within BarcodesOf. */
export function Barcode({ uuid }: { uuid: string }) {
  const barcode = useContext(Barcodes).get(uuid)
  return barcode && <code>{barcode}</code>
}
