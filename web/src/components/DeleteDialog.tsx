import { lazy } from 'react'

import type { ConfirmDeleteProps } from './ConfirmDeleteDialog'
import { LazyBoundary } from './LazyBoundary'

const ConfirmDeleteDialog = lazy(() =>
  import('./ConfirmDeleteDialog').then((module) => ({ default: module.ConfirmDeleteDialog })),
)

/** DeleteDialog loads ConfirmDeleteDialog on demand. */
export function DeleteDialog(props: ConfirmDeleteProps) {
  return (
    <LazyBoundary>
      <ConfirmDeleteDialog {...props} />
    </LazyBoundary>
  )
}
