import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { toProblem } from '../api/problem'
import { Forbidden } from './placeholders'
import type { RowFormProps } from './RowDetails'
import { Screen } from './Screen'
import { toast } from './toast'

interface Props<T, F> {
  title: string
  canCreate: boolean
  /** What is good to know before. */
  note?: ReactNode
  breadcrumb: ReactNode
  initialValues: Partial<F>
  renderForm: (props: RowFormProps<F>) => ReactNode
  createRow: (fields: F) => Promise<T>
  /** Query key of the new row. */
  getQueryKey: (getQueryKey: T) => QueryKey
  getLabel: (getQueryKey: T) => string
  /** Leads to the new row. */
  onCreated: (getQueryKey: T) => void
  /** Leads to the list, for somebody who has come straight here; others go back to where they were. */
  onCancel: () => void
}

/** NewRowScreen is the screen that creates a row and leads to it. */
export function NewRowScreen<T, F>({ title, canCreate, note, breadcrumb, initialValues, renderForm, createRow, getQueryKey, getLabel, onCreated, onCancel }: Props<T, F>) {
  const queryClient = useQueryClient()
  const { history } = useRouter()
  const goBack = () => (history.canGoBack() ? history.back() : onCancel())
  const { mutate, isPending, error } = useMutation({
    mutationFn: createRow,
    onSuccess: (newRow) => {
      void queryClient.invalidateQueries() // much will show it
      queryClient.setQueryData(getQueryKey(newRow), newRow)
      toast(`${getLabel(newRow)} is stored`)
      onCreated(newRow)
    },
  })
  return (
    <Screen title={title} breadcrumb={breadcrumb}>
      {canCreate ? (
        <>
          {note}
          {renderForm({ initialValues, onSubmit: (fields) => mutate(fields), onCancel: goBack, isSaving: isPending, problem: error ? toProblem(error) : undefined })}
        </>
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
