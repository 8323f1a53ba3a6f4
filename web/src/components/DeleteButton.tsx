import { Button } from '@mantine/core'
import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { DeleteDialog } from './DeleteDialog'
import { toast } from './toast'

interface Props {
  may: boolean
  /** As a sentence would call it. */
  what: string
  remove: (how: { cascade: boolean; dryRun: boolean }) => Promise<unknown>
  /** Leads elsewhere, before what was read of the row is forgotten. */
  leave: () => Promise<void>
  /** Query key of the row. */
  row: QueryKey
}

/** DeleteRow is the button of a screen that deletes the row it shows. */
export function DeleteRow({ may, what, remove, leave, row }: Props) {
  const [asking, ask] = useState(false)
  const queryClient = useQueryClient()
  if (!may) return null
  return (
    <>
      <Button variant="default" onClick={() => ask(true)}>
        Delete
      </Button>
      {asking && (
        <DeleteDialog
          what={what}
          remove={remove}
          deleted={() => {
            toast(`${what} is deleted`)
            void leave().then(() => {
              queryClient.removeQueries({ queryKey: row })
              void queryClient.invalidateQueries() // much may have shown it, and what went with it
            })
          }}
          close={() => ask(false)}
        />
      )}
    </>
  )
}
