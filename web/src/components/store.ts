import { useSyncExternalStore } from 'react'

/** A Store holds a value outside of React, for all components that look at it. */
export interface Store<T> {
  get: () => T
  set: (next: T) => void
  /** Calls at each change, until it is told to stop. */
  subscribe: (onChange: () => void) => () => void
}

/** createStore begins one with a value. */
export function createStore<T>(value: T): Store<T> {
  const subscribers = new Set<() => void>()
  return {
    get: () => value,
    set: (next) => {
      value = next
      for (const notify of subscribers) notify()
    },
    subscribe: (onChange) => {
      subscribers.add(onChange)
      return () => subscribers.delete(onChange)
    },
  }
}

/** useStore shows what a store holds. */
export function useStore<T>({ subscribe, get }: Store<T>): T {
  return useSyncExternalStore(subscribe, get)
}
