// The types of the Barcode Detection API, which TypeScript does not have.
interface BarcodeDetector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>
}
declare const BarcodeDetector: {
  new (options?: { formats: string[] }): BarcodeDetector
  getSupportedFormats: () => Promise<string[]>
}

/** BarcodeReader returns the text of a barcode in the current frame of a video, or undefined. */
export type BarcodeReader = (video: HTMLVideoElement) => Promise<string | undefined>

const labelFormats = ['qr_code', 'data_matrix'] // what the labels of the server have

/** createBarcodeReader returns the reader of the browser, or one in JavaScript if the browser has none. */
export async function createBarcodeReader(): Promise<BarcodeReader> {
  if ('BarcodeDetector' in globalThis) {
    const formats = await BarcodeDetector.getSupportedFormats().catch((): string[] => [])
    if (labelFormats.every((format) => formats.includes(format))) {
      const detector = new BarcodeDetector({ formats })
      return async (video) => (await detector.detect(video))[0]?.rawValue
    }
  }
  const { readImage } = await import('./readImage')
  const canvas = document.createElement('canvas')
  return async (video) => {
    const frame = grabFrame(video, canvas)
    return frame && readImage(frame)
  }
}

const maxFrameSize = 800 // px; larger frames take longer to read than they help

function grabFrame(video: HTMLVideoElement, canvas: HTMLCanvasElement): ImageData | undefined {
  const { videoWidth, videoHeight } = video
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (videoWidth === 0 || !context) return undefined
  const scale = Math.min(1, maxFrameSize / Math.max(videoWidth, videoHeight))
  canvas.width = Math.round(videoWidth * scale)
  canvas.height = Math.round(videoHeight * scale)
  context.drawImage(video, 0, 0, canvas.width, canvas.height)
  return context.getImageData(0, 0, canvas.width, canvas.height)
}

/** hasCamera reports whether the page may ask for a camera. Browsers have none on plain HTTP. */
export const hasCamera = (): boolean => typeof navigator !== 'undefined' && navigator.mediaDevices?.getUserMedia !== undefined

const repeatDelay = 2_000 // ms

/** createRepeatFilter returns a function that reports whether a code is new: it was out of sight for some time. */
export function createRepeatFilter(): (code: string, now: number) => boolean {
  let last = { code: '', at: -Infinity }
  return (code, now) => {
    const isRepeated = code === last.code && now - last.at < repeatDelay
    last = { code, at: now }
    return !isRepeated
  }
}
