import { useSyncExternalStore } from 'react'

/** Store holds a value outside of React that components can subscribe to. */
export interface Store<T> {
  get: () => T
  set: (next: T) => void
  /** Calls onChange after each change. Returns a function that unsubscribes. */
  subscribe: (onChange: () => void) => () => void
}

/** createStore returns a store with an initial value. */
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

/** useStore returns the current value of a store. */
export function useStore<T>({ subscribe, get }: Store<T>): T {
  return useSyncExternalStore(subscribe, get)
}
