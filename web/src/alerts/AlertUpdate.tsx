import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef } from 'react'

import type { Problem } from '../api/problem'
import { useRowEdit } from '../api/useRowEdit'
import { ConflictDialog } from '../components/ConflictDialog'
import { toast } from '../components/toast'
import { type Alert, alertLabels, alertQuery, fetchAlert, updateAlert } from './api'
import { undoUpdate } from './bulkUpdate'
import { undoAlerts } from './undoAlerts'
import { useFormatAlertField } from './useFormatAlertField'

interface Props {
  alert: Alert
  changes: Partial<Alert>
  /** Shown as a toast after the update is saved. */
  successMessage: string
  onDone: () => void
  onRejected: (changes: Partial<Alert>, problem: Problem) => void
}

/**
 * AlertUpdate saves one change of one alert and shows the conflict dialog if needed. The parent mounts it outside the
 * list, so it stays mounted when the alert leaves the list.
 */
export function AlertUpdate({ alert, changes, successMessage, onDone, onRejected }: Props) {
  const queryClient = useQueryClient()
  const formatField = useFormatAlertField()
  const edit = useRowEdit<Alert>({
    queryKey: alertQuery(alert.id).queryKey,
    listKey: ['alerts'],
    isSameRow: (row) => row.id === alert.id,
    fetchRow: () => fetchAlert(alert.id),
    updateRow: updateAlert,
    onSaved: (saved) => {
      // After a conflict, the values before are not those that the change replaced.
      const canUndo = saved.version === alert.version + 1
      const undo = () => void undoAlerts(queryClient, () => undoUpdate([alert]))
      toast(successMessage, { onUndo: canUndo ? undo : undefined })
      onDone()
    },
  })
  const started = useRef(false)
  useEffect(() => {
    if (started.current) return
    started.current = true
    edit.save(alert, changes)
  })
  const reportRejection = useEffectEvent(onRejected)
  const rejected = edit.rejected
  useEffect(() => {
    if (rejected) reportRejection(rejected.changes, rejected.problem)
  }, [rejected])
  return edit.conflict ? (
    <ConflictDialog
      conflict={edit.conflict}
      labels={alertLabels}
      formatField={formatField}
      onSave={edit.save}
      onCancel={onDone}
    />
  ) : null
}
