import { lazy } from 'react'

import type { Props } from './ConfirmDeleteDialog'
import { Later } from './LazyBoundary'

const AskDelete = lazy(() => import('./ConfirmDeleteDialog').then((module) => ({ default: module.AskDelete })))

/** DeleteDialog asks before something is deleted. It is loaded when it is asked for. */
export function DeleteDialog(props: Props) {
  return (
    <Later>
      <AskDelete {...props} />
    </Later>
  )
}
