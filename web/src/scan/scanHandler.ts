import { useEffect, useEffectEvent } from 'react'

import type { Scan } from './detector'

type ScanHandler = (scan: Scan) => void

const handlers: ScanHandler[] = []

/** useScanHandler handles scans while the component is mounted, instead of opening what they identify. */
export function useScanHandler(onScan: ScanHandler) {
  const handleScan = useEffectEvent(onScan)
  useEffect(() => {
    const handler: ScanHandler = (scan) => handleScan(scan)
    handlers.push(handler)
    return () => void handlers.splice(handlers.indexOf(handler), 1)
  }, [])
}

/** currentScanHandler returns the handler that was added last, or undefined. */
export const currentScanHandler = (): ScanHandler | undefined => handlers.at(-1)
