import { lazy } from 'react'

import type { Props } from './AskDelete'
import { Later } from './Later'

const AskDelete = lazy(() => import('./AskDelete').then((module) => ({ default: module.AskDelete })))

/** DeleteDialog asks before something is deleted. It is loaded when it is asked for. */
export function DeleteDialog(props: Props) {
  return (
    <Later>
      <AskDelete {...props} />
    </Later>
  )
}
