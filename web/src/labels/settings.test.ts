import { expect, test, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://lab:5000/app/'))
const { readSettings } = await import('./settings')

const defaults = readSettings({})

test.each([
  [undefined, {}],
  ['text', {}],
  [{ template: 5, symbology: 'code128', lines: 'description', dpi: 203 }, {}],
  [{ template: 'roll-50x25' }, { template: 'roll-50x25' }],
  [{ symbology: 'datamatrix', dpi: '300' }, { symbology: 'datamatrix', dpi: '300' }],
  [{ lines: [] }, { lines: [] }],
  [{ lines: ['type', 'weight', 'owner', 'project', 'barcode'] }, { lines: ['type', 'owner', 'project'] }],
])('%j', (stored, expected) => expect(readSettings(stored)).toEqual({ ...defaults, ...expected }))
