import { Button } from '@mantine/core'
import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { DeleteDialog } from './DeleteDialog'
import { toast } from './toast'

interface Props {
  canDelete: boolean
  /** As a sentence would call it. */
  itemName: string
  onDelete: (options: { cascade: boolean; dryRun: boolean }) => Promise<unknown>
  /** Leads elsewhere, before what was read of the row is forgotten. */
  navigateAway: () => Promise<void>
  /** Query key of the row. */
  queryKey: QueryKey
}

/** DeleteButton is the button of a screen that deletes the row it shows. */
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
            toast(`${itemName} is deleted`)
            void navigateAway().then(() => {
              queryClient.removeQueries({ queryKey: queryKey })
              void queryClient.invalidateQueries() // much may have shown it, and what went with it
            })
          }}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  )
}
