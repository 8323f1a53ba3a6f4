import { expect, test } from 'vitest'

import { firstLabelBox } from './cropLabel'

test('the box is that of the first label', () => {
  const svg = '<svg><rect/><g transform="translate(4.750 10.700)"><path/></g><g transform="translate(45.350 10.700)"/></svg>'
  expect(firstLabelBox(svg, 38.1, 21.2)).toBe('4.750 10.700 38.1 21.2')
  expect(firstLabelBox('<svg></svg>', 38.1, 21.2)).toBeUndefined()
})
