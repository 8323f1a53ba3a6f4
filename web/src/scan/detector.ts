/** ScanSettings are the keys that a scanner presses around a code: a key name such as F9, or characters. */
export interface ScanSettings {
  /** '' detects scans by their speed. */
  prefix: string
  /** '' stands for Enter or Tab. */
  suffix: string
}

/** Stroke is a pressed key: its character as typed and on a US keyboard, or its name twice. time is in ms. */
export interface Stroke {
  typed: string
  us: string
  time: number
}

/** Scan is a scanned code as typed and on a US keyboard, without prefix and suffix. */
export type Scan = Omit<Stroke, 'time'>

export const defaultScanSettings: ScanSettings = { prefix: '', suffix: '' }

const maxGap = 35 // ms between two keys of a scanner; people type slower
const maxGapAfterPrefix = 250 // ms; the prefix identifies slow scanners
const minLength = 6
const maxLength = 500

/** isKeyName reports whether a setting names a key, such as F9. Other settings are characters. */
const isKeyName = (setting: string) => /^(F\d{1,2}|Enter|Tab|Escape|Home|End|Insert|Pause|ScrollLock)$/.test(setting)

/** ScanDetector recognizes the keys of a scanner by their times, or by a prefix. */
export class ScanDetector {
  private strokes: Stroke[] = []
  /** The settings when the burst began: a scan into the field of a setting does not change its own detection. */
  private settings: ScanSettings
  private readonly getSettings: () => ScanSettings

  constructor(getSettings: () => ScanSettings) {
    this.getSettings = getSettings
    this.settings = getSettings()
  }

  /** maxGap is the longest time in ms between two keys of a scan. */
  get maxGap(): number {
    return this.settings.prefix ? maxGapAfterPrefix : maxGap
  }

  /** mayBeScan reports whether the keys so far may begin a scan. */
  get mayBeScan(): boolean {
    const { prefix } = this.settings
    return (['typed', 'us'] as const).some((form) => {
      const text = this.join(form)
      return text.startsWith(prefix) || prefix.startsWith(text)
    })
  }

  /** isSpecialKey reports whether the prefix or the suffix is this key, which is not a character. */
  isSpecialKey(key: string): boolean {
    const { prefix, suffix } = this.getSettings()
    return isKeyName(key) && [prefix, suffix].includes(key)
  }

  /** add records a stroke and returns the number of strokes in its burst. */
  add(stroke: Stroke): number {
    if (!this.continuesBurst(stroke.time)) {
      this.strokes = []
      this.settings = this.getSettings()
    }
    this.strokes.push(stroke)
    return this.strokes.length
  }

  /** end returns the scan that a stroke completes, if any. The stroke is the suffix or its last character. */
  end(stroke: Stroke): Scan | undefined {
    const strokes = this.continuesBurst(stroke.time) ? this.strokes : []
    const { prefix, suffix } = this.settings
    const strip = (form: keyof Scan): string | undefined => {
      const text = strokes.map((item) => item[form]).join('')
      if (!text.startsWith(prefix)) return undefined
      if (suffix === '' || isKeyName(suffix)) {
        const isSuffix = suffix === '' ? ['Enter', 'Tab'].includes(stroke[form]) : stroke[form] === suffix
        return isSuffix ? text.slice(prefix.length) : undefined
      }
      const whole = text + stroke[form]
      return whole.endsWith(suffix) ? whole.slice(prefix.length, -suffix.length) : undefined
    }
    const typed = strip('typed')
    const us = strip('us')
    const length = Math.max(typed?.length ?? 0, us?.length ?? 0)
    if (length < (prefix ? 1 : minLength) || length > maxLength) return undefined
    this.reset()
    return { typed: typed ?? '', us: us ?? '' }
  }

  reset() {
    this.strokes = []
  }

  private join(form: keyof Scan): string {
    return this.strokes.map((stroke) => stroke[form]).join('')
  }

  private continuesBurst(time: number): boolean {
    const gap = time - (this.strokes.at(-1)?.time ?? -Infinity)
    return gap >= 0 && gap <= this.maxGap
  }
}
