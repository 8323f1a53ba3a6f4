/**
 * createKeyring returns a function that returns an idempotency key for the content of a request: the same key as long
 * as the content is the same, so that a repeated request stores nothing twice.
 */
export function createKeyring(): (content: string) => string {
  let last = { content: '', key: '' }
  return (content) => {
    if (!last.key || last.content !== content) last = { content, key: randomKey() }
    return last.key
  }
}

/** randomKey returns a random key. crypto.randomUUID is not available on plain HTTP. */
export const randomKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
