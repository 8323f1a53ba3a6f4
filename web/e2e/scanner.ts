import type { Page } from '@playwright/test'

import { usKeys } from '../src/scan/usKeyboard'

// Typing with given times: like a scanner, or by hand. The times are those of the events, whatever the machine does.

/** Characters that a German keyboard types for keys of a US keyboard. */
const germanCharacters: Record<string, string> = {
  '-': 'ß',
  ':': 'Ö',
  '/': '-',
  '{': 'Ü',
  '}': '*',
  y: 'z',
  z: 'y',
  Y: 'Z',
  Z: 'Y',
}

const keyCodes = new Map(
  Object.entries(usKeys).flatMap(([code, [plain = '', shifted = '']]) =>
    code.startsWith('Numpad')
      ? []
      : [
          [plain, { code, modifiers: 0 }],
          [shifted, { code, modifiers: 8 }],
        ],
  ) as [string, { code: string; modifiers: number }][],
)

interface ScanOptions {
  /** The keys after the text. */
  ends?: ('Enter' | 'Tab')[]
  /** Milliseconds between two keys. */
  interval?: number
  /** The layout that the computer expects; scanners press the keys of a US keyboard. */
  layout?: 'us' | 'german'
}

/** The time of the last key that was typed by hand, in ms. */
let lastTyped = 0
const leastPause = 200 // ms between typing and a scan, as the times of the keys say

/** scan types a text like a scanner. */
export async function scan(
  page: Page,
  text: string,
  { ends = ['Enter'], interval = 5, layout = 'us' }: ScanOptions = {},
) {
  const characters = [...text].map((character) => {
    const typed = layout === 'german' ? (germanCharacters[character] ?? character) : character
    return { key: typed, text: typed, ...(keyCodes.get(character) ?? { code: '', modifiers: 0 }) }
  })
  const endKeys = ends.map((key) => ({ key, code: key, modifiers: 0, text: key === 'Enter' ? '\r' : undefined }))
  const keys = [...characters, ...endKeys]
  await page.waitForTimeout(Math.max(0, lastTyped + leastPause - (Date.now() - keys.length * interval)))
  const start = Date.now() - keys.length * interval
  const session = await page.context().newCDPSession(page)
  const sent = keys.flatMap(({ key, code, modifiers, text }, i) => {
    const timestamp = (start + i * interval) / 1000
    const windowsVirtualKeyCode = { Enter: 13, Tab: 9 }[key] ?? key.toUpperCase().charCodeAt(0)
    const event = { key, code, modifiers, windowsVirtualKeyCode, timestamp }
    return [
      session.send('Input.dispatchKeyEvent', {
        ...event,
        type: text ? 'keyDown' : 'rawKeyDown',
        ...(text && { text }),
      }),
      session.send('Input.dispatchKeyEvent', { ...event, type: 'keyUp' }),
    ]
  })
  await Promise.all(sent)
  await session.detach()
}

/** typeByHand types a text as slowly as a person. */
export async function typeByHand(page: Page, text: string) {
  await scan(page, text, { ends: [], interval: 120 })
  lastTyped = Date.now()
}
