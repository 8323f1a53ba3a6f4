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
  successMessage: string
  /** Says which alerts were left as they were. */
  onDone: (skipped: Alert[]) => void
}

/** BulkUpdateDialog changes many alerts, one after the other, and shows how far it is. An alert that somebody else has changed meanwhile stays as it is. */
export function BulkUpdateDialog({ alerts, changes, successMessage, onDone }: Props) {
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
          failureReason = problem.status === 412 ? 'Somebody else has changed them meanwhile.' : problem.message
          if (problem.isTransient) isStopped.current = true // the others would fail as well
        })
      setDoneCount((current) => current + 1)
    }
    void queryClient.invalidateQueries({ queryKey: ['alerts'] })
    void queryClient.invalidateQueries({ queryKey: ['alert'] })
    if (skipped.length < alerts.length) toast(`${successMessage}: ${alerts.length - skipped.length}`)
    if (skipped.length > 0) toast(`${skipped.length} ${skipped.length === 1 ? 'alert is' : 'alerts are'} as before. ${failureReason}`, 'error')
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
    <Dialog onClose={stop} title={`${successMessage}: ${doneCount} of ${alerts.length}`} closeOnClickOutside={false}>
      <Stack>
        <Progress value={(100 * doneCount) / alerts.length} aria-label="How far it is" />
        <Text size="sm">What is done stays done.</Text>
        <Group justify="end">
          <Button variant="default" onClick={stop}>
            Stop
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
