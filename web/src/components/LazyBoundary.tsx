import { CatchBoundary } from '@tanstack/react-router'
import { type ReactNode, Suspense, useEffect } from 'react'

import { toast } from './toast'

/** LazyBoundary stands around a part that is loaded when it is needed. If it cannot be loaded, that is said, and the screen stays. */
export function LazyBoundary({ fallback = null, children }: { fallback?: ReactNode; children: ReactNode }) {
  return (
    <CatchBoundary getResetKey={() => 'later'} errorComponent={LoadFailure}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </CatchBoundary>
  )
}

/** showLoadError tells that code did not come. */
export function showLoadError() {
  toast('That could not be loaded. There may be no connection, or a new version: load the page anew.', 'error')
}

function LoadFailure() {
  useEffect(showLoadError, [])
  return null
}
