import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import type { MoveResult, WriteOptions } from './api'

interface Options<V> {
  /** Moves containers, or plans it with a dry run. */
  write: (variables: V, options: WriteOptions) => Promise<MoveResult>
  onMoved?: (result: MoveResult) => void
}

/** Plan is the result of a dry run, and what it was made for. */
interface Plan<V> {
  variables: V
  result: MoveResult
  /** True if it differs from a plan that the user has confirmed. */
  hasChanged: boolean
}

/**
 * useMovePlan plans a move, and then does what the plan shows. If another user has changed one of the places meanwhile,
 * it shows the new plan and moves nothing.
 */
export function useMovePlan<V>({ write, onMoved }: Options<V>) {
  const queryClient = useQueryClient()
  const [plan, setPlan] = useState<Plan<V>>()
  const planning = useMutation({
    mutationFn: (variables: V) => write(variables, { dryRun: true }),
    onSuccess: (result, variables) => setPlan({ variables, result, hasChanged: false }),
  })
  const moving = useMutation({
    mutationFn: async ({ variables, result }: Plan<V>) => {
      const current = await write(variables, { dryRun: true })
      if (isSamePlan(current, result)) return write(variables, { dryRun: false })
      setPlan({ variables, result: current, hasChanged: true })
      return undefined
    },
    onSuccess: (result) => {
      if (!result) return
      void queryClient.invalidateQueries() // many lists show where containers lie
      onMoved?.(result)
    },
  })
  const error = moving.error ?? planning.error
  return {
    makePlan: planning.mutate,
    plan: plan?.result,
    hasChanged: plan?.hasChanged ?? false,
    /** move does what the plan shows. */
    move: () => plan && moving.mutate(plan),
    /** What has moved. */
    moved: moving.data,
    problem: error ? toProblem(error) : undefined,
    isPlanning: planning.isPending,
    isMoving: moving.isPending,
    /** discard returns to the state before the plan. */
    discard: () => {
      setPlan(undefined)
      planning.reset()
      moving.reset()
    },
  }
}

const isSamePlan = (a: MoveResult, b: MoveResult) =>
  JSON.stringify([a.moved, a.moves]) === JSON.stringify([b.moved, b.moves])
