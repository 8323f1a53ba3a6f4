import { useSyncExternalStore } from 'react'

/** A Store holds a value outside of React, for all components that look at it. */
export interface Store<T> {
  get: () => T
  set: (next: T) => void
  /** Calls at each change, until it is told to stop. */
  watch: (changed: () => void) => () => void
}

/** store begins one with a value. */
export function store<T>(value: T): Store<T> {
  const watchers = new Set<() => void>()
  return {
    get: () => value,
    set: (next) => {
      value = next
      for (const tell of watchers) tell()
    },
    watch: (changed) => {
      watchers.add(changed)
      return () => watchers.delete(changed)
    },
  }
}

/** useStore shows what a store holds. */
export function useStore<T>({ watch, get }: Store<T>): T {
  return useSyncExternalStore(watch, get)
}
