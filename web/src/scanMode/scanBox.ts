import { scopedName } from '../api/basePath'
import { createStore } from '../components/store'

const boxKey = scopedName('scan-box')

/** ScanBox is the box at hand in a stock-take: what is scanned next lies in it. */
export interface ScanBox {
  /** ID of the stock-take. */
  stocktake: number
  uuid: string
  name: string
}

/** scanBox is the box that was scanned last, or undefined. It survives a reload. */
export const scanBox = createStore<ScanBox | undefined>(loadBox())

function loadBox(): ScanBox | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(boxKey) ?? 'null') as ScanBox | null) ?? undefined
  } catch {
    return undefined
  }
}

/** setScanBox sets the box at hand; undefined for none. */
export function setScanBox(box: ScanBox | undefined): void {
  scanBox.set(box)
  if (box) sessionStorage.setItem(boxKey, JSON.stringify(box))
  else sessionStorage.removeItem(boxKey)
}
