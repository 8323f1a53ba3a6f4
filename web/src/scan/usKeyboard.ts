/** usKeys maps each physical key to its characters on a US keyboard, without and with Shift. */
export const usKeys: Record<string, string> = {
  ...Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((c) => [`Key${c.toUpperCase()}`, c + c.toUpperCase()])),
  ...Object.fromEntries([...')!@#$%^&*('].map((shifted, digit) => [`Digit${digit}`, `${digit}${shifted}`])),
  ...Object.fromEntries([...'0123456789'].map((digit) => [`Numpad${digit}`, digit + digit])),
  Minus: '-_',
  Equal: '=+',
  BracketLeft: '[{',
  BracketRight: ']}',
  Backslash: '\\|',
  Semicolon: ';:',
  Quote: `'"`,
  Backquote: '`~',
  Comma: ',<',
  Period: '.>',
  Slash: '/?',
  Space: '  ',
  NumpadSubtract: '--',
  NumpadDecimal: '..',
  NumpadDivide: '//',
}

/**
 * usCharacter returns the character of a physical key on a US keyboard, or ''. Scanners press the keys of a US
 * keyboard; the layout of the computer and Caps Lock change what the keys type.
 */
export function usCharacter(code: string, isShifted: boolean): string {
  return usKeys[code]?.[isShifted ? 1 : 0] ?? ''
}
