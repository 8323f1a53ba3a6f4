import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { expect, test } from 'vitest'

import { defaultScanSettings, ScanDetector, type ScanSettings } from './detector'
import { findUuid, parseCode } from './parseCode'
import { usCharacter, usKeys } from './usKeyboard'

const uuid = '123e4567-e89b-12d3-a456-426614174000'
const app = { hostname: 'lab.example', basepath: '/app' }

/** detect types keys at an interval in ms, then the last key after a pause, and returns the typed scan. */
function detect(
  keys: string[],
  interval: number,
  last: string,
  pause = interval,
  settings: Partial<ScanSettings> = {},
) {
  const detector = new ScanDetector(() => ({ ...defaultScanSettings, ...settings }))
  let time = 1000
  for (const key of keys) {
    const stroke = { typed: key, us: key, time: (time += interval) }
    if (detector.end(stroke)) throw new Error(`${key} completed the scan`)
    detector.add(stroke)
  }
  return detector.end({ typed: last, us: last, time: time + pause })?.typed
}

test.each([
  ['six characters', detect([...'ABC123'], 5, 'Enter'), 'ABC123'],
  ['five characters', detect([...'ABC12'], 5, 'Enter'), undefined],
  ['Tab at the end', detect([...'ABC123'], 5, 'Tab'), 'ABC123'],
  ['the longest gap', detect([...'ABC123'], 35, 'Enter'), 'ABC123'],
  ['a longer gap', detect([...'ABC123'], 36, 'Enter'), undefined],
  ['a late Enter', detect([...'ABC123'], 5, 'Enter', 36), undefined],
  ['500 characters', detect([...'x'.repeat(500)], 5, 'Enter'), 'x'.repeat(500)],
  ['501 characters', detect([...'x'.repeat(501)], 5, 'Enter'), undefined],
  ['a slow scanner with a prefix', detect([...'#A1'], 200, 'Enter', 200, { prefix: '#' }), 'A1'],
  ['another prefix', detect([...'~ABC123'], 5, 'Enter', 5, { prefix: '#' }), undefined],
  ['a prefix alone', detect(['#'], 5, 'Enter', 5, { prefix: '#' }), undefined],
  ['a key as the prefix', detect(['F9', ...'A1'], 200, 'Enter', 200, { prefix: 'F9' }), 'A1'],
  ['a key as the suffix', detect([...'ABC123'], 5, 'F9', 5, { suffix: 'F9' }), 'ABC123'],
  ['characters as the suffix', detect([...'ABC123#'], 5, '!', 5, { suffix: '#!' }), 'ABC123'],
  ['Enter with another suffix', detect([...'ABC123'], 5, 'Enter', 5, { suffix: '#' }), undefined],
])('detector: %s', (_, scan, expected) => expect(scan).toBe(expected))

test('a pause begins a new burst', () => {
  const detector = new ScanDetector(() => defaultScanSettings)
  const lengths = [0, 10, 60, 70].map((time) => detector.add({ typed: 'a', us: 'a', time }))
  expect(lengths).toEqual([1, 2, 1, 2])
})

test.each([
  [uuid, uuid],
  [uuid.toUpperCase(), uuid],
  [uuid.replaceAll('-', ''), uuid],
  [uuid.replaceAll('-', 'ß'), uuid],
  [`{${uuid}}`, uuid],
  [`urn:uuid:${uuid}`, uuid],
  [`https://labels.example/c/${uuid}?x=1`, uuid],
  [` ${uuid}\r`, uuid],
  [uuid.slice(0, -1), undefined],
  [`${uuid.replaceAll('-', '')}0`, undefined],
  [uuid.replace('-', '_'), undefined],
  ['Plasma, batch 7', undefined],
  ['', undefined],
])('findUuid(%j) is %s', (text, expected) => expect(findUuid(text)).toBe(expected))

test.each([
  [['https://lab.example/app/containers/7?find=A'], { path: '/containers/7?find=A' }],
  [[`HTTPS://LAB.EXAMPLE/APP/CONTAINERS/${uuid.toUpperCase()}`], { path: `/containers/${uuid}` }],
  [['httpsÖ--lab.example-app-sites', 'https://lab.example/app/sites'], { path: '/sites' }],
  [['https://other.example/app/sites/1'], { text: 'https://other.example/app/sites/1' }],
  [['https://lab.example/application/1'], { text: 'https://lab.example/application/1' }],
  [['javascript://lab.example/app/sites'], { text: 'javascript://lab.example/app/sites' }],
  [[` RACK-7 `, 'RACK/7'], { text: 'RACK-7' }],
  [['', ' '], { text: '' }],
])('parseCode(%j) is %j', (texts, expected) => expect(parseCode(texts, app)).toEqual(expected))

test.each([
  ['https://lab.example/Lab/two/app/sites/3', { path: '/sites/3' }],
  ['HTTPS://LAB.EXAMPLE/LAB/TWO/APP/SITES/3', { path: '/sites/3' }],
  ['https://lab.example:8443/Lab/two/app/', { path: '/' }],
  ['https://lab.example/Lab/two/app/../../../other', { text: 'https://lab.example/Lab/two/app/../../../other' }],
  ['https://lab.example/app/sites/3', { text: 'https://lab.example/app/sites/3' }],
  [`https://lab.example/app/containers/${uuid}`, { uuid }],
])('below a base path parseCode(%j) is %j', (text, expected) =>
  expect(parseCode([text], { ...app, basepath: '/Lab/two/app' })).toEqual(expected),
)

/** random returns numbers from 0 to 1, the same ones for the same seed. */
function random(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const seed = Number(process.env.SEED ?? 1)
const keyCodes = new Map(
  Object.entries(usKeys)
    .filter(([code]) => !code.startsWith('Numpad'))
    .flatMap(([code, [plain = '', shifted = '']]) => [
      [plain, { code, isShifted: false }],
      [shifted, { code, isShifted: true }],
    ]),
)

/** Characters that some keys type in other layouts, without Shift. Other keys type the same as in the US. */
const layouts: Record<string, Record<string, string>> = {
  us: {},
  german: { KeyY: 'z', KeyZ: 'y', Minus: 'ß', Slash: '-', BracketLeft: 'ü', Semicolon: 'ö' },
  french: {
    KeyA: 'q',
    KeyQ: 'a',
    Minus: ')',
    ...Object.fromEntries([...'à&é"\'(-è_ç'].map((character, digit) => [`Digit${digit}`, character])),
  },
}

test(`a UUID is found in every notation and keyboard layout (SEED=${seed})`, () => {
  const next = random(seed)
  const pick = <T,>(items: readonly T[]) => items[Math.floor(next() * items.length)] as T
  for (let i = 0; i < 5000; i++) {
    const digits = Array.from({ length: 32 }, () => pick([...'0123456789abcdef'])).join('')
    const expected = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    const notation = pick([expected, digits, `{${expected}}`, `urn:uuid:${expected}`, `https://x.example/${expected}`])
    const text = pick([notation, notation.toUpperCase()])
    const layout = layouts[pick(Object.keys(layouts))] ?? {}
    const strokes = [...text].map((character) => {
      const key = keyCodes.get(character)
      if (!key) throw new Error(`no key for ${character}`)
      return { typed: layout[key.code] ?? character, us: usCharacter(key.code, key.isShifted) }
    })
    const texts = [strokes.map(({ typed }) => typed).join(''), strokes.map(({ us }) => us).join('')]
    expect(parseCode(texts, app), `${texts}`).toEqual({ uuid: expected })
  }
})

test(`any text can be parsed, and a human rhythm is never a scan (SEED=${seed})`, () => {
  const next = random(seed)
  for (let i = 0; i < 5000; i++) {
    const text = Array.from({ length: next() * 60 }, () => String.fromCharCode(32 + next() ** 3 * 65_000)).join('')
    parseCode([text, `https://lab.example/app/${text}`], app)
    const detector = new ScanDetector(() => defaultScanSettings)
    let time = 0
    for (const typed of [...text, 'Enter']) {
      const stroke = { typed, us: typed, time: (time += 35.01 + next() * 300) }
      if (detector.end(stroke)) throw new Error(`${text} was a scan`)
      detector.add(stroke)
    }
  }
})

test('no shortcut begins with a hex digit, which a slow scanner may type', () => {
  const sourceDir = path.join(import.meta.dirname, '..')
  const keys = readdirSync(sourceDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tsx'))
    .flatMap((name) => [...readFileSync(path.join(sourceDir, name), 'utf8').matchAll(/useShortcut\(\s*['`]([^'`]+)/g)])
    .map(([, shortcut = '']) => shortcut)
  expect(keys.length).toBeGreaterThan(15)
  expect(keys.filter((shortcut) => /^[0-9a-f]( |$)/.test(shortcut))).toEqual([])
})
