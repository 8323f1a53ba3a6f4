/** Code is the meaning of a scanned text: a screen of this app, a UUID, or any other text. */
export type Code = { path: string } | { uuid: string } | { text: string }

/** App is where this app runs: https://hostname/basepath/sites. */
interface App {
  hostname: string
  basepath: string
}

/**
 * parseCode returns the meaning of a code. texts are the same code as typed in different keyboard layouts, the best
 * first.
 */
export function parseCode(texts: readonly string[], app: App): Code {
  for (const text of texts) {
    const path = parsePath(text.trim(), app)
    if (path !== undefined) return { path }
  }
  const uuid = findUuid(...texts)
  return uuid === undefined ? { text: texts.find((text) => text.trim())?.trim() ?? '' } : { uuid }
}

/** parsePath returns the path of a URL of this app, without the base path. QR codes are often in upper case. */
function parsePath(text: string, { hostname, basepath }: App): string | undefined {
  const isUpperCase = !/[a-z]/.test(text)
  const address = isUpperCase ? text.toLowerCase() : text
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  if (!/^https?:$/.test(url.protocol) || url.hostname !== hostname) return undefined
  if (!url.pathname.startsWith(`${isUpperCase ? basepath.toLowerCase() : basepath}/`)) return undefined
  return url.pathname.slice(basepath.length) + url.search
}

// Any one separator, or none: another keyboard layout types another character for the dash.
const uuidPattern =
  /(?<![0-9a-f])([0-9a-f]{8})([^0-9a-f]?)([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{4})\2([0-9a-f]{12})(?![0-9a-f])/i

/** findUuid returns the first UUID in the texts, in any case, with or without dashes, alone or within a URL. */
export function findUuid(...texts: string[]): string | undefined {
  for (const text of texts) {
    const match = uuidPattern.exec(text)
    if (match) return [1, 3, 4, 5, 6].map((group) => match[group]?.toLowerCase()).join('-')
  }
  return undefined
}
