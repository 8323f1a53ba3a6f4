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
 * readImage returns the text of a barcode in an image of RGBA pixels, or undefined if there is none. The reader misses
 * some Data Matrix codes from one side, so the image is turned.
 */
export function readImage({ data, width, height }: Pick<ImageData, 'data' | 'width' | 'height'>): string | undefined {
  const luminances = new Uint8ClampedArray(width * height)
  for (let i = 0; i < luminances.length; i++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * i, 4 * i + 3)
    luminances[i] = (red + 2 * green + blue) / 4
  }
  let image: Image = { luminances, width, height }
  for (let turns = 0; turns < 4; turns++) {
    const text = read(image)
    if (text !== undefined) return text
    image = turn(image)
  }
  return undefined
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

/** turn turns an image by 90 degrees. */
function turn({ luminances, width, height }: Image): Image {
  const turned = new Uint8ClampedArray(luminances.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned[x * height + (height - 1 - y)] = luminances[y * width + x] ?? 0
  return { luminances: turned, width: height, height: width }
}
