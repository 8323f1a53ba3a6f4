import { useLocalStorage } from '@mantine/hooks'
import { useEffect, useEffectEvent } from 'react'

import { scopedName } from '../api/basePath'
import { defaultScanSettings, type Scan } from './detector'
import { listenForScans } from './listenForScans'

/** useScanSettings returns the settings of the barcode scanner and a setter. They are stored in the browser. */
export function useScanSettings() {
  return useLocalStorage({
    key: scopedName('scanner'),
    defaultValue: defaultScanSettings,
    getInitialValueInEffect: false,
  })
}

/** useScanner calls onScan when a scanner types a code, wherever the focus is. The shell calls it once. */
export function useScanner(isActive: boolean, onScan: (scan: Scan) => void) {
  const [settings] = useScanSettings()
  const handleScan = useEffectEvent(onScan)
  const getSettings = useEffectEvent(() => settings)
  useEffect(() => {
    if (isActive)
      return listenForScans(
        () => getSettings(),
        (scan) => handleScan(scan),
      )
  }, [isActive])
}
