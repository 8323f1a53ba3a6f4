import { scopedName } from '../api/basePath'
import type { ScanEntry } from './types'

// Each entry has a key of its own in localStorage, so that tabs do not overwrite the entries of each other.

const prefix = scopedName('scan-queue.')

export type StringStorage = Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem' | 'removeItem'>

const storageKeys = (storage: StringStorage): string[] =>
  Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? '').filter((name) => name.startsWith(prefix))

/** hasStoredEntries reports whether scans wait to be handled, of any user. */
export const hasStoredEntries = (storage: StringStorage = localStorage): boolean => storageKeys(storage).length > 0

/** loadEntries returns the stored entries of a user in the order of their scans. */
export function loadEntries(user: string, storage: StringStorage = localStorage): ScanEntry[] {
  return storageKeys(storage)
    .map((name) => parseEntry(storage.getItem(name)))
    .filter((entry) => entry !== undefined)
    .filter((entry) => entry.user === user)
    .sort((a, b) => a.at - b.at)
}

/** parseEntry returns a stored entry, or undefined if the text is none. */
export function parseEntry(text: string | null): ScanEntry | undefined {
  try {
    const entry = JSON.parse(text ?? '') as Partial<ScanEntry> | null
    const isEntry =
      typeof entry?.key === 'string' &&
      typeof entry.at === 'number' &&
      typeof entry.user === 'string' &&
      Array.isArray(entry.texts) &&
      entry.texts.every((item) => typeof item === 'string') &&
      typeof entry.action?.kind === 'string'
    return isEntry ? (entry as ScanEntry) : undefined
  } catch {
    return undefined
  }
}

/** saveEntry stores an entry. A full storage loses only its survival of a reload. */
export function saveEntry(entry: ScanEntry, storage: StringStorage = localStorage): void {
  try {
    storage.setItem(prefix + entry.key, JSON.stringify(entry))
  } catch {
    // The entry stays in memory.
  }
}

export function removeEntry({ key }: Pick<ScanEntry, 'key'>, storage: StringStorage = localStorage): void {
  storage.removeItem(prefix + key)
}
