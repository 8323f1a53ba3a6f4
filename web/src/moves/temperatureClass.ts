// The temperature class of a freezer, guessed from its name. The register has no temperatures of freezers.

export type TemperatureClass = 'cryogenic' | 'ultraCold' | 'cold' | 'cool'

export const temperatureLabels: Record<TemperatureClass, string> = {
  cryogenic: 'LN2',
  ultraCold: '−80 °C',
  cold: '−20 °C',
  cool: '4 °C',
}

const words: [TemperatureClass, RegExp][] = [
  ['cryogenic', /\bln[2₂]?\b|\bliquid\s*nitrogen|\bnitrogen\b|\bcryo(genic|tank)?\b|\bdewar/],
  ['ultraCold', /\bult\b|\bultra[\s-]*(low|cold)/],
  ['cool', /\bfridges?\b|\brefrigerators?\b|\bcold\s*room|\bcool\s*room/],
]

/** A temperature below zero, such as -80, Minus80, "minus 20" or −80 °C. A hyphen after a letter or digit is none. */
const below = /(?:(?<![\p{L}\d])[-−–]|\bminus[\s_-]*|\bm(?=\d))\s*(\d{1,3})(?!\d)/u
const above = /(?<![-−–\d.])\b\+?(\d{1,2})\s*°\s*c\b|(?<![\p{L}\d])\+(\d{1,2})(?!\d)|(?<![-−–\d.])\b(\d{1,2})\s*c\b/u

/** guessTemperatureClass returns the temperature class that the name of a freezer states, or undefined. */
export function guessTemperatureClass(name: string): TemperatureClass | undefined {
  const text = name.toLowerCase()
  const word = words.find(([, pattern]) => pattern.test(text))?.[0]
  if (word === 'cryogenic') return word
  const [, degreesBelow] = below.exec(text) ?? []
  if (degreesBelow !== undefined) return classBelowZero(Number(degreesBelow))
  if (word) return word
  const [, ...degreesAbove] = above.exec(text) ?? []
  const degrees = degreesAbove.find((digits) => digits !== undefined)
  return degrees !== undefined && Number(degrees) >= 1 && Number(degrees) <= 10 ? 'cool' : undefined
}

/** classBelowZero returns the class of a temperature, in degrees Celsius below zero. */
function classBelowZero(degrees: number): TemperatureClass | undefined {
  if (degrees >= 120 && degrees <= 200) return 'cryogenic'
  if (degrees >= 60 && degrees < 120) return 'ultraCold'
  if (degrees >= 10 && degrees < 60) return 'cold'
  return undefined // -1 is the number of a freezer
}
