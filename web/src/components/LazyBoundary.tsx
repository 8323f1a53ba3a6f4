import { CatchBoundary } from '@tanstack/react-router'
import { type ReactNode, Suspense, useEffect } from 'react'

import { toast } from './toast'

/** Later stands around a part that is loaded when it is needed. If it cannot be loaded, that is said, and the screen stays. */
export function Later({ fallback = null, children }: { fallback?: ReactNode; children: ReactNode }) {
  return (
    <CatchBoundary getResetKey={() => 'later'} errorComponent={Missing}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </CatchBoundary>
  )
}

/** sayUnloaded tells that code did not come. */
export function sayUnloaded() {
  toast('That could not be loaded. There may be no connection, or a new version: load the page anew.', 'bad')
}

function Missing() {
  useEffect(sayUnloaded, [])
  return null
}
