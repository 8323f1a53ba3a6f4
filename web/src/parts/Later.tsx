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

function Missing() {
  useEffect(() => toast('A part of this page could not be loaded: there may be a new version, or no connection. Load the page anew.', 'bad'), [])
  return null
}
