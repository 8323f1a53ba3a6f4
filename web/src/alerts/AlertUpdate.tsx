import { useEffect, useEffectEvent, useRef } from 'react'

import { useRowEdit } from '../api/useRowEdit'
import type { Problem } from '../api/problem'
import { ConflictDialog } from '../components/ConflictDialog'
import { toast } from '../components/toast'
import { type Alert, alertLabels, alertQuery, changeAlert, readAlert } from './api'

interface Props {
  alert: Alert
  changes: Partial<Alert>
  /** What is said when it is stored. */
  told: string
  done: () => void
  refused: (changes: Partial<Alert>, problem: Problem) => void
}

/** AlertWrite is one change of one alert under way, with what may come of it. It does not go when the alert leaves the list. */
export function AlertWrite({ alert, changes, told, done, refused }: Props) {
  const edit = useRowEdit<Alert>({
    row: alertQuery(alert.id).queryKey,
    list: ['alerts'],
    same: (one) => one.id === alert.id,
    read: () => readAlert(alert.id),
    write: changeAlert,
    saved: () => {
      toast(told)
      done()
    },
  })
  const begun = useRef(false)
  useEffect(() => {
    if (begun.current) return
    begun.current = true
    edit.save(alert, changes)
  })
  const tell = useEffectEvent(refused)
  const failed = edit.refused
  useEffect(() => {
    if (failed) tell(failed.changes, failed.problem)
  }, [failed])
  return edit.conflict ? <ConflictDialog conflict={edit.conflict} labels={alertLabels} keep={edit.save} cancel={done} /> : null
}
