import { containerTitle } from '../containers/api'
import { holdsOthers } from '../containers/kinds'
import type { StocktakeItem } from '../stocktakes/api'
import { homeOf, type StocktakeResult } from '../stocktakes/results'
import { codeOf, findContainer } from './findScanned'
import type { Run } from './runEntry'
import { scanBox, setScanBox } from './scanBox'
import type { ScanOutcome } from './types'

/**
 * countScan scans a code in a stock-take. A container that holds others becomes the box at hand, and what is scanned
 * after it lies in it.
 */
export async function countScan(stocktake: number, { entry, send }: Run): Promise<ScanOutcome> {
  const what = codeOf(entry)
  if (!stocktake) return { tone: 'critical', title: 'Not counted', what, message: 'Choose a stock-take, then scan again.' }
  const container = await findContainer(entry.texts)
  const isBox = container !== undefined && holdsOthers(container)
  const box = scanBox.get()
  const isInBox = !isBox && box?.stocktake === stocktake
  const code = container ? (container.barcode ?? container.uuid) : what
  const path = `/api/v1/stocktakes/${stocktake}/scans`
  const item = await send<StocktakeItem>({ path, body: { code, ...(isInBox && { parent: box.uuid }) } })
  if (isBox) setScanBox({ stocktake, uuid: container.uuid, name: containerTitle(container) })
  return {
    ...describeItem(item),
    undo: { method: 'DELETE', path: `${path}/${encodeURIComponent(code)}` },
  }
}

const outcomes: Record<StocktakeResult, Pick<ScanOutcome, 'tone' | 'title'>> = {
  found: { tone: 'fine', title: 'Found' },
  misplaced: { tone: 'warning', title: 'Misplaced' },
  unexpected: { tone: 'warning', title: 'Unexpected' },
  checked_out: { tone: 'warning', title: 'Checked out' },
  moved: { tone: 'warning', title: 'Moved since the start' },
  missing: { tone: 'warning', title: 'Missing' },
  unknown: { tone: 'critical', title: 'Unknown code' },
}

function describeItem(item: StocktakeItem): ScanOutcome {
  const { result, name, container_uuid, code, holder, scanned_parent_name } = item
  const home = homeOf(item)
  return {
    ...outcomes[result],
    what: name,
    uuid: container_uuid ?? undefined,
    where: describePlace(result, home, scanned_parent_name),
    who: holder ?? undefined,
    unknownCode: result === 'unknown' ? (code ?? undefined) : undefined,
  }
}

function describePlace(result: StocktakeResult, home: string, box: string | null): string | undefined {
  if (result === 'found') return home || undefined
  if (result === 'unexpected') return home ? `Its home is ${home}` : 'It was discarded'
  if (result === 'misplaced') return [`Expected in ${home}`, box && `scanned in ${box}`].filter(Boolean).join(', ')
  return home ? `Expected in ${home}` : undefined
}
