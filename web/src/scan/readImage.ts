import BarcodeFormat from '@zxing/library/esm/core/BarcodeFormat'
import BinaryBitmap from '@zxing/library/esm/core/BinaryBitmap'
import HybridBinarizer from '@zxing/library/esm/core/common/HybridBinarizer'
import DecodeHintType from '@zxing/library/esm/core/DecodeHintType'
import MultiFormatReader from '@zxing/library/esm/core/MultiFormatReader'
import RGBLuminanceSource from '@zxing/library/esm/core/RGBLuminanceSource'

const formats = [
  BarcodeFormat.QR_CODE,
  BarcodeFormat.DATA_MATRIX,
  BarcodeFormat.CODE_128,
  BarcodeFormat.CODE_39,
  BarcodeFormat.EAN_13,
]

const reader = new MultiFormatReader()
reader.setHints(
  new Map<DecodeHintType, unknown>([
    [DecodeHintType.POSSIBLE_FORMATS, formats],
    [DecodeHintType.TRY_HARDER, true],
  ]),
)

/**
 * readImage returns the text of a barcode in an image of RGBA pixels, or undefined if there is none. The reader looks for
 * Data Matrix codes around the middle of what it gets, so the halves of the image are read as well.
 */
export function readImage({ data, width, height }: Pick<ImageData, 'data' | 'width' | 'height'>): string | undefined {
  const luminances = new Uint8ClampedArray(width * height)
  for (let i = 0; i < luminances.length; i++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * i, 4 * i + 3)
    luminances[i] = (red + 2 * green + blue) / 4
  }
  const image = { luminances, width, height }
  const half = Math.floor(width / 2)
  return read(image) ?? read(crop(image, 0, half)) ?? read(crop(image, width - half, half))
}

interface Image {
  luminances: Uint8ClampedArray
  width: number
  height: number
}

function read({ luminances, width, height }: Image): string | undefined {
  const source = new RGBLuminanceSource(luminances, width, height)
  try {
    return reader.decodeWithState(new BinaryBitmap(new HybridBinarizer(source))).getText()
  } catch {
    return undefined // no barcode, or one that cannot be read
  }
}

/** crop returns the columns of an image from left on. */
function crop({ luminances, width, height }: Image, left: number, columns: number): Image {
  const cropped = new Uint8ClampedArray(columns * height)
  for (let y = 0; y < height; y++)
    cropped.set(luminances.subarray(y * width + left, y * width + left + columns), y * columns)
  return { luminances: cropped, width: columns, height }
}
