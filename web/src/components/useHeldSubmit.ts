import { useEffect, useRef } from 'react'

/** useHeldSubmit holds a submission of the form of a field while the field waits for the row that its text names. */
export function useHeldSubmit() {
  const inputRef = useRef<HTMLInputElement>(null)
  const waiting = useRef<{ submitter?: HTMLElement | null }>(undefined)
  useEffect(() => {
    const form = inputRef.current?.form
    if (!form) return
    const hold = (event: SubmitEvent) => {
      if (!waiting.current) return
      event.preventDefault()
      event.stopPropagation()
      waiting.current.submitter = event.submitter
    }
    form.addEventListener('submit', hold, { capture: true })
    return () => form.removeEventListener('submit', hold, { capture: true })
  }, [])
  return {
    inputRef,
    /** startWaiting holds submissions. It returns a function that reports whether the field still waits. */
    startWaiting: () => {
      const current = (waiting.current = {})
      return () => waiting.current === current
    },
    stopWaiting: () => (waiting.current = undefined),
    /** finishWaiting submits the form now if it was held and a row is selected. */
    finishWaiting: (isSelected: boolean) => {
      const { submitter } = waiting.current ?? {}
      waiting.current = undefined
      // After React has rendered the form with the selected row.
      if (isSelected && submitter !== undefined) setTimeout(() => inputRef.current?.form?.requestSubmit(submitter))
    },
  }
}
