import { Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { asProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { toast } from '../components/toast'
import { type Alert, changeAlert } from './api'

interface Props {
  alerts: Alert[]
  changes: Partial<Alert>
  told: string
  /** Says which alerts were left as they were. */
  done: (left: Alert[]) => void
}

/** Bulk changes many alerts, one after the other, and shows how far it is. An alert that somebody else has changed meanwhile stays as it is. */
export function Bulk({ alerts, changes, told, done }: Props) {
  const queryClient = useQueryClient()
  const [count, setCount] = useState(0)
  const stopped = useRef(false)
  const begun = useRef(false)
  const run = async () => {
    const left: Alert[] = []
    let why = ''
    for (const alert of alerts) {
      if (stopped.current) left.push(alert)
      else
        await changeAlert(changes, alert).catch((thrown: unknown) => {
          const problem = asProblem(thrown)
          left.push(alert)
          why = problem.status === 412 ? 'Somebody else has changed them meanwhile.' : problem.message
          if (problem.transient) stopped.current = true // the others would fail as well
        })
      setCount((known) => known + 1)
    }
    void queryClient.invalidateQueries({ queryKey: ['alerts'] })
    void queryClient.invalidateQueries({ queryKey: ['alert'] })
    if (left.length < alerts.length) toast(`${told}: ${alerts.length - left.length}`)
    if (left.length > 0) toast(`${left.length} ${left.length === 1 ? 'alert is' : 'alerts are'} as before. ${why}`, 'bad')
    done(left)
  }
  useEffect(() => {
    if (begun.current) return
    begun.current = true
    void run()
  })
  const stop = () => {
    stopped.current = true
  }
  return (
    <Dialog onClose={stop} title={`${told}: ${count} of ${alerts.length}`} closeOnClickOutside={false}>
      <Stack>
        <Progress value={(100 * count) / alerts.length} aria-label="How far it is" />
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
