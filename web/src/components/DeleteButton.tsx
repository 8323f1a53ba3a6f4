import { Button } from '@mantine/core'
import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { DeleteDialog } from './DeleteDialog'
import { toast } from './toast'

interface Props {
  canDelete: boolean
  /** Name of the item in a sentence. */
  itemName: string
  onDelete: (options: { cascade: boolean; dryRun: boolean }) => Promise<unknown>
  /** Leaves the screen, before the row is removed from the cache. */
  navigateAway: () => Promise<void>
  /** Query key of the row. */
  queryKey: QueryKey
}

/** DeleteButton deletes the row of a screen after confirmation. */
export function DeleteButton({ canDelete, itemName, onDelete, navigateAway, queryKey }: Props) {
  const [isOpen, setIsOpen] = useState(false)
  const queryClient = useQueryClient()
  if (!canDelete) return null
  return (
    <>
      <Button variant="default" onClick={() => setIsOpen(true)}>
        Delete
      </Button>
      {isOpen && (
        <DeleteDialog
          itemName={itemName}
          onDelete={onDelete}
          onDeleted={() => {
            toast(`Deleted ${itemName}`)
            void navigateAway().then(() => {
              queryClient.removeQueries({ queryKey })
              void queryClient.invalidateQueries() // many lists may show the row or its dependent rows
            })
          }}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  )
}
