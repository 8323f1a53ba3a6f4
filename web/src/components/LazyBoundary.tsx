import { CatchBoundary } from '@tanstack/react-router'
import { type ReactNode, Suspense, useEffect } from 'react'

import { toast } from './toast'

/** LazyBoundary wraps lazily loaded components. A loading error shows a toast and keeps the screen. */
export function LazyBoundary({ fallback = null, children }: { fallback?: ReactNode; children: ReactNode }) {
  return (
    <CatchBoundary getResetKey={() => 'lazy'} errorComponent={LoadFailure}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </CatchBoundary>
  )
}

/** showLoadError reports that code could not be loaded. */
export function showLoadError() {
  toast('Couldn’t load this part of the page. Check your connection and reload the page.', 'error')
}

function LoadFailure() {
  useEffect(showLoadError, [])
  return null
}
