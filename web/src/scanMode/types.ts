import type { Tone } from '../components/StatusBadge'

// A scan becomes an entry of the queue: its code and what to do with it. Running the entry has an outcome.

/** Place is where containers are moved: a container or a freezer. */
export interface Place {
  name: string
  container_uuid?: string
  freezer_id?: number
}

/** PlaceRef is a place, or the entry of the scan that names it. */
export type PlaceRef = { place: Place } | { entryKey: string }

/** WriteRequest is a POST that an entry sends, unless it says otherwise. */
export interface WriteRequest {
  method?: 'DELETE'
  path: string
  body?: object
}

export type ScanAction =
  | { kind: 'find' }
  | { kind: 'checkOut'; holder: string | null; dueOn: string | null }
  | { kind: 'checkIn' }
  | { kind: 'place' }
  | { kind: 'move'; to: PlaceRef }
  | { kind: 'count'; stocktake: number }
  | { kind: 'undo'; what: string; request: WriteRequest }

/** ScanEntry is a scan that waits to be handled. It is plain data, so that it survives a reload. */
export interface ScanEntry {
  /** The idempotency key of its write. */
  key: string
  /** Time of the scan in ms; entries are handled in this order. */
  at: number
  /** Username of who scanned, or '' on an open server. */
  user: string
  /** The code in several keyboard layouts, the best first. */
  texts: string[]
  action: ScanAction
  /** What was sent or is about to be sent, so that a repetition is identical. */
  request?: WriteRequest
}

/** ScanOutcome is what a scan did, in words. */
export interface ScanOutcome {
  tone: Extract<Tone, 'fine' | 'warning' | 'critical'>
  /** For example "Checked out". */
  title: string
  /** What people call the container, or the code. */
  what: string
  uuid?: string | undefined
  where?: string | undefined
  /** Username of the holder. */
  who?: string | undefined
  since?: string | undefined
  dueOn?: string | undefined
  message?: string | undefined
  /** The write that reverts the scan. */
  undo?: WriteRequest | undefined
  /** The place that the scan has chosen. */
  place?: Place | undefined
  /** The code that no container has. */
  unknownCode?: string | undefined
}
