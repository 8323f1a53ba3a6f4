import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { asProblem } from '../api/problem'
import type { FormProps } from './RowDetails'
import { Screen } from './Screen'
import { Forbidden } from './placeholders'
import { toast } from './toast'

interface Props<T, F> {
  title: string
  may: boolean
  /** What is good to know before. */
  note?: ReactNode
  above: ReactNode
  start: Partial<F>
  form: (props: FormProps<F>) => ReactNode
  create: (fields: F) => Promise<T>
  /** Query key of the new row. */
  row: (row: T) => QueryKey
  called: (row: T) => string
  /** Leads to the new row. */
  open: (row: T) => void
  /** Leads to the list, for somebody who has come straight here; others go back to where they were. */
  cancel: () => void
}

/** NewRow is the screen that creates a row and leads to it. */
export function NewRow<T, F>({ title, may, note, above, start, form, create, row, called, open, cancel }: Props<T, F>) {
  const queryClient = useQueryClient()
  const { history } = useRouter()
  const back = () => (history.canGoBack() ? history.back() : cancel())
  const { mutate, isPending, error } = useMutation({
    mutationFn: create,
    onSuccess: (made) => {
      void queryClient.invalidateQueries() // much will show it
      queryClient.setQueryData(row(made), made)
      toast(`${called(made)} is stored`)
      open(made)
    },
  })
  return (
    <Screen title={title} above={above}>
      {may ? (
        <>
          {note}
          {form({ start, submit: (fields) => mutate(fields), cancel: back, saving: isPending, problem: error ? asProblem(error) : undefined })}
        </>
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}
