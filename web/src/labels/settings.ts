import { useLocalStorage } from '@mantine/hooks'

import { scopedName } from '../api/basePath'

/** LabelSettings are how labels look. The browser remembers them. */
export interface LabelSettings {
  template: string
  symbology: 'qr' | 'datamatrix'
  /** Columns of containers, one for each line of text. */
  lines: string[]
  /** Resolution of the label printer, in dots per inch. */
  dpi: string
}

export const lineOptions = [
  { value: 'description', label: 'Description' },
  { value: 'barcode', label: 'Barcode' },
  { value: 'project', label: 'Project' },
  { value: 'type', label: 'Type' },
  { value: 'owner', label: 'Owner' },
  { value: 'expires_on', label: 'Expiry date' },
  { value: 'freezer_name', label: 'Freezer' },
  { value: 'position', label: 'Position' },
  { value: 'quantity', label: 'Quantity' },
]

export const maxLines = 3
export const resolutions = ['152', '203', '300', '600']

const defaultSettings: LabelSettings = {
  template: 'avery-l7651',
  symbology: 'qr',
  lines: ['description', 'barcode', 'project'],
  dpi: '203',
}

/** useLabelSettings returns the settings of the last labels, and a function that changes some of them. */
export function useLabelSettings(): [LabelSettings, (changes: Partial<LabelSettings>) => void] {
  const [stored, setStored] = useLocalStorage({
    key: scopedName('labels'),
    defaultValue: {} as unknown,
    getInitialValueInEffect: false,
  })
  const settings = readSettings(stored)
  return [settings, (changes) => setStored({ ...settings, ...changes })]
}

/** readSettings returns stored settings, with the default for what is missing or unknown. */
export function readSettings(stored: unknown): LabelSettings {
  const { template, symbology, lines, dpi } = (typeof stored === 'object' && stored ? stored : {}) as Partial<
    Record<keyof LabelSettings, unknown>
  >
  const isLine = (name: unknown) => lineOptions.some(({ value }) => value === name)
  return {
    template: typeof template === 'string' && template ? template : defaultSettings.template,
    symbology: symbology === 'datamatrix' ? 'datamatrix' : 'qr',
    lines: Array.isArray(lines) ? lines.filter(isLine).slice(0, maxLines) : defaultSettings.lines,
    dpi: resolutions.find((value) => value === dpi) ?? defaultSettings.dpi,
  }
}
