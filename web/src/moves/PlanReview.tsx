import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

import type { Moves } from './api'
import { countContainers } from './pickOrder'
import { PlanTable } from './PlanTable'
import { PrintPickListButton } from './PrintPickListButton'

interface Props {
  plan: Moves
  /** True if the plan differs from the one before. */
  hasChanged: boolean
  /** The number of containers that were to move. */
  count: number
  pickListTitle: string
  conflicts: ReactNode
  moveLabel: string
  isMoving: boolean
  onMove: () => void
  onBack: () => void
}

/** PlanReview shows a plan, prints it as a pick list, and does it. It takes the focus. */
export function PlanReview({
  plan,
  hasChanged,
  count,
  pickListTitle,
  conflicts,
  moveLabel,
  isMoving,
  onMove,
  onBack,
}: Props) {
  const ref = useRef<HTMLElement>(null)
  // Not the button that moves: a second Enter must not press it.
  useEffect(() => ref.current?.focus({ preventScroll: true }), [])
  const alreadyThere = count - plan.moved
  return (
    <section ref={ref} tabIndex={-1} aria-label="Plan" style={{ outline: 'none' }}>
      <Stack>
        {hasChanged && (
          <Alert variant="outline" role="alert" title="The plan has changed">
            Containers were moved or added meanwhile. Nothing of this plan is done yet. Check it again.
          </Alert>
        )}
        <Group justify="end">
          <Text size="sm" mr="auto">
            {plan.moved > 0 && `${countContainers(plan.moved)} ${plan.moved === 1 ? 'moves' : 'move'}.`}
            {plan.moved > 0 && alreadyThere > 0 && ` ${countContainers(alreadyThere)} already there.`}
          </Text>
          <Button variant="default" onClick={onBack}>
            Back
          </Button>
          {plan.moved > 0 && (
            <>
              <PrintPickListButton title={pickListTitle} moves={plan.moves} />
              <Button loading={isMoving} onClick={onMove}>
                {moveLabel}
              </Button>
            </>
          )}
        </Group>
        {conflicts}
        <PlanTable moves={plan} />
      </Stack>
    </section>
  )
}
