import { type RefObject, useEffect, useRef } from 'react'

import type { IconName } from '../components/icons'

/** An ObjectAction is an action on the object that a screen shows, such as a container. */
export interface ObjectAction {
  /** For example "Move…". */
  label: string
  icon: IconName
  /** Opens a screen, a form or a dialog. It does not write at once. */
  run: () => void
  /** True puts the action last. */
  isDestructive?: boolean
}

const registered = new Set<RefObject<ObjectAction[]>>()

/** useObjectActions offers actions in the search (Cmd-K) while the component is mounted. */
export function useObjectActions(actions: ObjectAction[]) {
  const ref = useRef(actions)
  useEffect(() => {
    ref.current = actions
  })
  useEffect(() => {
    registered.add(ref)
    return () => void registered.delete(ref)
  }, [])
}

/** getObjectActions returns the actions on the object that the current screen shows. */
export function getObjectActions(): ObjectAction[] {
  return [...registered]
    .flatMap(({ current }) => current)
    .sort((a, b) => Number(a.isDestructive ?? false) - Number(b.isDestructive ?? false))
}
