import { Button } from '@mantine/core'
import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'

import { toast } from './toast'

const DeleteDialog = lazy(() => import('./DeleteDialog').then((module) => ({ default: module.DeleteDialog })))

interface Props {
  may: boolean
  /** As a sentence would call it. */
  what: string
  remove: (how: { cascade: boolean; dryRun: boolean }) => Promise<unknown>
  /** Leads elsewhere, before what was read of the row is forgotten. */
  leave: () => Promise<void>
  /** Query key of the row. */
  row: QueryKey
  /** Beginnings of the query keys of lists that showed it. */
  lists: QueryKey[]
}

/** DeleteRow is the button of a screen that deletes the row it shows. */
export function DeleteRow({ may, what, remove, leave, row, lists }: Props) {
  const [asking, ask] = useState(false)
  const queryClient = useQueryClient()
  if (!may) return null
  return (
    <>
      <Button variant="default" onClick={() => ask(true)}>
        Delete
      </Button>
      {asking && (
        <Suspense>
          <DeleteDialog
            what={what}
            remove={remove}
            deleted={() => {
              toast(`${what} is deleted`)
              void leave().then(() => {
                queryClient.removeQueries({ queryKey: row })
                for (const queryKey of lists) void queryClient.invalidateQueries({ queryKey })
              })
            }}
            close={() => ask(false)}
          />
        </Suspense>
      )}
    </>
  )
}
