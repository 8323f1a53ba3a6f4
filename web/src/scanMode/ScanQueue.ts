import { createStore } from '../components/store'
import type { ScanEntry, ScanOutcome } from './types'

/** ScanRecord is a scan with its outcome; while it waits, it has none. */
export interface ScanRecord {
  entry: ScanEntry
  outcome?: ScanOutcome
  /** True if the user has undone the scan. */
  isUndone?: boolean
}

export interface QueueOptions {
  /** Handles an entry. save stores a changed entry before it is sent. */
  run: (entry: ScanEntry, save: (entry: ScanEntry) => void) => Promise<ScanOutcome>
  /** Returns the ms to wait before the next attempt, or undefined if the error is final. */
  retryDelay: (error: unknown, attempt: number) => number | undefined
  describeError: (entry: ScanEntry, error: unknown) => ScanOutcome
  onOutcome: (entry: ScanEntry, outcome: ScanOutcome) => void
  store: { save: (entry: ScanEntry) => void; remove: (entry: ScanEntry) => void }
}

const maxRecords = 50

/**
 * ScanQueue handles scans one after the other, in the order of the scans. An entry that cannot be sent stays at the
 * head of the queue, and is sent again later with the same key. Entries are stored until they have an outcome.
 */
export class ScanQueue {
  /** The scans, newest first. */
  readonly records = createStore<ScanRecord[]>([])
  /** Whether the first entry could not be sent and is sent again later. */
  readonly isWaiting = createStore(false)
  private isStopped = false
  private isWorking = false
  private wake: (() => void) | undefined
  private readonly options: QueueOptions

  constructor(options: QueueOptions, stored: ScanEntry[] = []) {
    this.options = options
    this.records.set(stored.map((entry) => ({ entry })).reverse())
  }

  /** add stores an entry and handles it after those before it. */
  add(entry: ScanEntry): void {
    this.options.store.save(entry)
    const { records } = this
    const kept = records.get().filter(({ outcome }, i) => !outcome || i < maxRecords)
    records.set([{ entry }, ...kept])
    this.start()
  }

  /** start handles the entries, at once if the queue waits for the network. */
  start(): void {
    this.wake?.()
    if (!this.isWorking && !this.isStopped) void this.work()
  }

  /** stop ends the work. Entries without an outcome stay stored. */
  stop(): void {
    this.isStopped = true
    this.wake?.()
  }

  /** markUndone records that the user has undone a scan. */
  markUndone(key: string): void {
    this.change(key, { isUndone: true })
  }

  /** waitingEntries returns the entries without an outcome, oldest first. */
  waitingEntries(): ScanEntry[] {
    return this.records
      .get()
      .filter(({ outcome }) => !outcome)
      .map(({ entry }) => entry)
      .reverse()
  }

  private async work(): Promise<void> {
    this.isWorking = true
    let attempt = 0
    for (let entry = this.next(); entry; entry = this.next()) {
      const delay = await this.attempt(entry, attempt)
      if (delay === undefined) {
        attempt = 0
        continue
      }
      attempt++
      this.isWaiting.set(true)
      await this.sleep(delay)
    }
    this.isWaiting.set(false)
    this.isWorking = false
  }

  private next(): ScanEntry | undefined {
    return this.isStopped ? undefined : this.waitingEntries()[0]
  }

  /** attempt handles an entry. It returns the ms until the next attempt, or undefined if the entry has an outcome. */
  private async attempt(entry: ScanEntry, attempt: number): Promise<number | undefined> {
    const { run, retryDelay, describeError, onOutcome, store } = this.options
    let outcome: ScanOutcome
    try {
      outcome = await run(entry, (changed) => {
        store.save(changed)
        this.change(entry.key, { entry: changed })
      })
    } catch (error) {
      const delay = retryDelay(error, attempt)
      if (delay !== undefined) return delay
      outcome = describeError(entry, error)
    }
    this.isWaiting.set(false)
    this.change(entry.key, { outcome })
    onOutcome(entry, outcome)
    store.remove(entry) // after onOutcome, which may change the entries after it
    return undefined
  }

  /** changeEntries replaces waiting entries, for example when the place of their moves becomes known. */
  changeEntries(replace: (entry: ScanEntry) => ScanEntry): void {
    for (const entry of this.waitingEntries()) {
      const changed = replace(entry)
      if (changed === entry) continue
      this.options.store.save(changed)
      this.change(entry.key, { entry: changed })
    }
  }

  private change(key: string, changes: Partial<ScanRecord>): void {
    this.records.set(this.records.get().map((record) => (record.entry.key === key ? { ...record, ...changes } : record)))
  }

  private sleep(delay: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    }).then(() => {
      this.wake = undefined
    })
  }
}
