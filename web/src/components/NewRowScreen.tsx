import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { toProblem } from '../api/problem'
import classes from './NewRowScreen.module.css'
import { Forbidden } from './placeholders'
import type { RowFormProps } from './RowDetails'
import { Screen } from './Screen'
import { toast } from './toast'
import { useGoBack } from './useGoBack'

interface Props<T, F> {
  title: string
  canCreate: boolean
  /** A hint above the form. */
  note?: ReactNode
  breadcrumb: ReactNode
  initialValues: Partial<F>
  renderForm: (props: RowFormProps<F>) => ReactNode
  createRow: (fields: F) => Promise<T>
  /** Query key of the new row. */
  getQueryKey: (row: T) => QueryKey
  getLabel: (row: T) => string
  /** Opens the new row. */
  onCreated: (row: T) => void
  /** Opens the list, if there is no previous page to return to. */
  onCancel: () => void
}

/** NewRowScreen creates a row and then opens it. */
export function NewRowScreen<T, F>({
  title,
  canCreate,
  note,
  breadcrumb,
  initialValues,
  renderForm,
  createRow,
  getQueryKey,
  getLabel,
  onCreated,
  onCancel,
}: Props<T, F>) {
  const queryClient = useQueryClient()
  const goBack = useGoBack(onCancel)
  const { mutate, isPending, error } = useMutation({
    mutationFn: createRow,
    onSuccess: (newRow) => {
      void queryClient.invalidateQueries() // many lists may show the row
      queryClient.setQueryData(getQueryKey(newRow), newRow)
      toast(`Created ${getLabel(newRow)}`)
      onCreated(newRow)
    },
  })
  return (
    <Screen title={title} breadcrumb={breadcrumb}>
      {canCreate ? (
        <div className={classes.form}>
          {note}
          {renderForm({
            initialValues,
            onSubmit: (fields) => mutate(fields),
            onCancel: goBack,
            isSaving: isPending,
            problem: error ? toProblem(error) : undefined,
          })}
        </div>
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
