/** Series numbers a text: {n} stands for the number. */
export interface Series {
  text: string
  from: number
  to: number
  /** The minimum number of digits. */
  digits: number
}

const rangePattern = /(\d+)\s*(?:…|\.{2,3})\s*(\d+)/

/** parseSeriesText reads a series that is typed as "box 01…20". It returns undefined for other texts. */
export function parseSeriesText(text: string): Series | undefined {
  const match = rangePattern.exec(text)
  if (!match) return undefined
  const [range, from = '', to = ''] = match
  const digits = from.startsWith('0') ? from.length : 1
  return { text: text.replace(range, '{n}'), from: Number(from), to: Number(to), digits }
}

/** seriesTexts returns the texts of a series, at most maxCount. A text without {n} gets the number at its end. */
export function seriesTexts({ text, from, to, digits }: Series, maxCount: number): string[] {
  if (![from, to].every(Number.isSafeInteger)) return []
  const template = text.includes('{n}') ? text : `${text}${/\S$/.test(text) ? ' ' : ''}{n}`
  const step = from <= to ? 1 : -1
  const length = Math.min(Math.abs(to - from) + 1, maxCount)
  return Array.from({ length }, (_, i) =>
    template.replaceAll('{n}', () => String(from + i * step).padStart(digits, '0')),
  )
}
