import { lazy } from 'react'

import type { ConfirmDeleteProps } from './ConfirmDeleteDialog'
import { LazyBoundary } from './LazyBoundary'

const ConfirmDeleteDialog = lazy(() => import('./ConfirmDeleteDialog').then((module) => ({ default: module.ConfirmDeleteDialog })))

/** DeleteDialog asks before something is deleted. It is loaded when it is asked for. */
export function DeleteDialog(props: ConfirmDeleteProps) {
  return (
    <LazyBoundary>
      <ConfirmDeleteDialog {...props} />
    </LazyBoundary>
  )
}
