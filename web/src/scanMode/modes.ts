import type { IconName } from '../components/icons'
import type { Role } from '../session/api'

/** ScanMode is what a scan does. */
export interface ScanMode {
  /** The name in the URL; the first mode has none. */
  name: string
  label: string
  icon: IconName
  /** What to scan. */
  prompt: string
  role?: Role
}

/** scanModes are the modes in order. What a new one does is in runEntry.ts, its settings in ModeSettings.tsx. */
export const scanModes = [
  { name: 'find', label: 'Find', icon: 'search', prompt: 'Scan a container to see where it is' },
  { name: 'check-out', label: 'Check out', icon: 'checkOut', prompt: 'Scan what is taken', role: 'operator' },
  { name: 'check-in', label: 'Check in', icon: 'checkIn', prompt: 'Scan what comes back', role: 'operator' },
  { name: 'move', label: 'Move to …', icon: 'move', prompt: 'Scan the target: a box, rack or freezer', role: 'operator' },
  { name: 'stock-take', label: 'Stock-take', icon: 'stocktake', prompt: 'Scan a box, then what lies in it', role: 'operator' },
] as const satisfies ScanMode[]

export type ScanModeName = (typeof scanModes)[number]['name']
