const uuidPattern = /(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b)/i

/** extractUuid returns the UUID in a scanned or typed text, in any case, with or without dashes, or within a URL. */
export function extractUuid(text: string): string | undefined {
  const digits = text.match(uuidPattern)?.[0].replaceAll('-', '').toLowerCase()
  return (
    digits &&
    [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join('-')
  )
}
