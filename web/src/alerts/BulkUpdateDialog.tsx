import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { toast } from '../components/toast'
import { type Alert, updateAlert } from './api'

interface Props {
  alerts: Alert[]
  changes: Partial<Alert>
  /** Describes the result for the number of alerts that were changed: "3 alerts closed". */
  describeResult: (count: number) => string
  /** Receives the alerts that were not changed. */
  onDone: (skipped: Alert[]) => void
}

/**
 * BulkUpdateDialog updates several alerts one by one and shows the progress. It skips alerts that another user has
 * changed in the meantime.
 */
export function BulkUpdateDialog({ alerts, changes, describeResult, onDone }: Props) {
  const queryClient = useQueryClient()
  const [doneCount, setDoneCount] = useState(0)
  const isStopped = useRef(false)
  const hasStarted = useRef(false)
  const run = async () => {
    const skipped: Alert[] = []
    let failureReason = ''
    for (const alert of alerts) {
      if (isStopped.current) skipped.push(alert)
      else
        await updateAlert(changes, alert).catch((error: unknown) => {
          const problem = toProblem(error)
          skipped.push(alert)
          failureReason = problem.status === 412 ? 'Another user made a change first.' : problem.message
          if (problem.isTransient) isStopped.current = true // the remaining updates would fail as well
        })
      setDoneCount((current) => current + 1)
    }
    void queryClient.invalidateQueries({ queryKey: ['alerts'] })
    void queryClient.invalidateQueries({ queryKey: ['alert'] })
    if (skipped.length < alerts.length) toast(describeResult(alerts.length - skipped.length))
    if (skipped.length > 0)
      toast(
        `${skipped.length} ${skipped.length === 1 ? 'alert was' : 'alerts were'} not changed. ${failureReason}`,
        'error',
      )
    onDone(skipped)
  }
  useEffect(() => {
    if (hasStarted.current) return
    hasStarted.current = true
    void run()
  })
  const stop = () => {
    isStopped.current = true
  }
  return (
    <Dialog onClose={stop} title={`Updating alerts: ${doneCount} of ${alerts.length}`} closeOnClickOutside={false}>
      <Stack>
        <Progress value={(100 * doneCount) / alerts.length} aria-label="Progress" />
        <Text size="sm">If you stop, alerts that are already changed keep their change.</Text>
        <Group justify="end">
          <Button variant="default" onClick={stop}>
            Stop
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
