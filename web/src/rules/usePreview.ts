import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'

import { Problem, toProblem } from '../api/problem'
import { type PreviewRequest, previewQuery, type Replay, type RuleFields } from './api'
import { isComplete, previewedChanges } from './ruleSettings'

const typingDelay = 400 // ms without a change before a preview runs

/** TimeRange limits the events of a preview: Unix seconds as text, or '' for no limit. */
export interface TimeRange {
  from: string
  to: string
}

export interface Preview {
  range: TimeRange
  setRange: (range: TimeRange) => void
  /** Why there is nothing to run: nothing that matters has changed, or a number is missing. */
  missing: 'change' | 'number' | undefined
  /** The latest result. */
  replay: Replay | undefined
  /** True if the result is that of earlier settings. */
  isOutdated: boolean
  isRunning: boolean
  isCancelled: boolean
  problem: Problem | undefined
  cancel: () => void
  run: () => void
}

/**
 * usePreview runs a preview of changed settings when they have not changed for a moment. A change aborts a running
 * preview, so that its result never shows.
 */
export function usePreview(code: number, changes: Partial<RuleFields>): Preview {
  const queryClient = useQueryClient()
  const [range, setRange] = useState<TimeRange>({ from: '', to: '' })
  const previewed = previewedChanges(changes)
  const missing = previewed === undefined ? 'change' : isComplete(previewed) ? undefined : 'number'
  const [from, to] = [range.from, range.to].map((text) => (text ? Number(text) : undefined))
  const request: PreviewRequest | undefined = previewed && !missing ? { changes: previewed, from, to } : undefined
  const key = JSON.stringify(request) // equal for equal requests
  const [settledKey] = useDebouncedValue(key, typingDelay)
  const isTyping = settledKey !== key
  const options = previewQuery(code, isTyping ? undefined : request)
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery({
    ...options,
    placeholderData: keepPreviousData,
  })
  const isSettled = request !== undefined && !isTyping && !isFetching
  const isCancelled = isSettled && !error && (isPlaceholderData || data === undefined)
  const problem = useMemo(() => (isSettled && error ? nameFields(toProblem(error)) : undefined), [isSettled, error])
  return {
    range,
    setRange,
    missing,
    replay: missing || isCancelled ? undefined : data,
    isOutdated: isPlaceholderData,
    isRunning: isFetching,
    isCancelled,
    problem,
    cancel: () => void queryClient.cancelQueries({ queryKey: options.queryKey, exact: true }),
    run: () => void refetch(),
  }
}

/** nameFields names the invalid fields as the form does. The API names them by the rule: rules[0].limit. */
function nameFields({ status, title, message, requestId, errors, retryAfter }: Problem): Problem {
  const body = {
    status,
    title,
    detail: message,
    ...(requestId !== undefined && { request_id: requestId }),
    errors: errors.map((error) => ({ ...error, field: error.field.replace(/^rules\[0\]\./, '') })),
  }
  return new Problem(body, retryAfter)
}
