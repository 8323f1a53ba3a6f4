import { useState } from 'react'

import type { Problem } from '../api/problem'
import { toast } from '../components/toast'
import { AlertWrite } from './AlertUpdate'
import type { Alert } from './api'
import { AssignDialog } from './AssignDialog'
import { Bulk } from './BulkUpdateDialog'
import { CloseDialog } from './CloseDialog'

/** Kind is what people do with alerts: settle changes what a closed one turned out to be. */
export type Kind = 'acknowledge' | 'close' | 'assign' | 'settle'

interface Asking {
  kind: Kind
  alerts: Alert[]
  start: Partial<Alert>
  problem: Problem | undefined
}

interface Write {
  key: number
  kind: Kind
  alerts: Alert[]
  changes: Partial<Alert>
}

const asks = { acknowledge: 'Acknowledge', close: 'Close', assign: 'Assign', settle: 'Change the outcome of' } as const

let last = 0

/** useActs does something with one alert, or with many at once. Its element must stand in the screen: what is asked, and what comes of it. */
export function useActs(done: (left: Alert[]) => void = () => {}) {
  const [asking, ask] = useState<Asking>()
  const [writes, setWrites] = useState<Write[]>([])
  const write = (kind: Kind, alerts: Alert[], changes: Partial<Alert>) => setWrites((known) => [...known, { key: ++last, kind, alerts, changes }])
  const end = (key: number) => setWrites((known) => known.filter((one) => one.key !== key))

  const busy = (alert: Alert) => writes.some(({ alerts }) => alerts.some(({ id }) => id === alert.id))
  const act = (kind: Kind, chosen: Alert[]) => {
    const alerts = chosen.filter((alert) => can(kind, alert) && !busy(alert))
    const [first] = alerts
    if (!first) return
    if (kind === 'acknowledge') write(kind, alerts, { state: 'acknowledged' })
    else ask({ kind, alerts, start: alerts.length === 1 ? first : {}, problem: undefined })
  }

  const dialog = asking && {
    title: `${asks[asking.kind]} ${asking.alerts.length === 1 ? 'this alert' : `${asking.alerts.length} alerts`}`,
    start: asking.start,
    problem: asking.problem,
    submit: (changes: Partial<Alert>) => {
      ask(undefined)
      write(asking.kind, asking.alerts, changes)
    },
    cancel: () => ask(undefined),
  }
  const element = (
    <>
      {dialog && (asking.kind === 'assign' ? <AssignDialog {...dialog} /> : <CloseDialog {...dialog} />)}
      {writes.map(({ key, kind, alerts, changes }) => {
        const [alert] = alerts
        if (alerts.length > 1 || !alert)
          return (
            <Bulk
              key={key}
              alerts={alerts}
              changes={changes}
              told={told(kind, changes)}
              done={(left) => {
                end(key)
                done(left)
              }}
            />
          )
        return (
          <AlertWrite
            key={key}
            alert={alert}
            changes={changes}
            told={told(kind, changes)}
            done={() => {
              end(key)
              done([])
            }}
            refused={(again, problem) => {
              end(key)
              if (kind === 'acknowledge') toast(problem.message, 'bad')
              else ask({ kind, alerts, start: { ...alert, ...again }, problem })
            }}
          />
        )
      })}
    </>
  )
  return { act, busy, element }
}

/** can tells whether something is left to be done: an alert goes from open over acknowledged to closed. */
export function can(kind: Kind, { state }: Alert): boolean {
  return { acknowledge: state === 'open', close: state !== 'closed', assign: true, settle: state === 'closed' }[kind]
}

function told(kind: Kind, { assignee }: Partial<Alert>): string {
  return { acknowledge: 'Acknowledged', close: 'Closed', assign: assignee ? `Assigned to ${assignee}` : 'Assigned to nobody', settle: 'Saved' }[kind]
}
