import BarcodeFormat from '@zxing/library/esm/core/BarcodeFormat'
import MultiFormatWriter from '@zxing/library/esm/core/MultiFormatWriter'
import { expect, test } from 'vitest'

import { readImage } from './readImage'

/** draw returns an image of a QR code on a grey background. */
function draw(text: string, size: number) {
  const matrix = new MultiFormatWriter().encode(text, BarcodeFormat.QR_CODE, size, size, new Map())
  const width = size + 60
  const data = new Uint8ClampedArray(4 * width * width).fill(200)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const start = 4 * ((y + 30) * width + x + 30)
      data.fill(matrix.get(x, y) ? 30 : 240, start, start + 4)
    }
  return { data, width, height: width }
}

test.each(['LL-000417', 'https://lab.example/app/containers/123e4567-e89b-12d3-a456-426614174000', 'Röhrchen 7'])(
  'a QR code of %s is read',
  (text) => expect(readImage(draw(text, 200))).toBe(text),
)

test('an image without a code has no text', () => {
  const data = new Uint8ClampedArray(4 * 100 * 100).fill(128)
  expect(readImage({ data, width: 100, height: 100 })).toBeUndefined()
})
