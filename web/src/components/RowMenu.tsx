import { Menu } from '@mantine/core'
import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { useUndoToast } from '../changesets/useUndoToast'
import { useObjectActions } from '../search/useObjectActions'
import type { ConfirmDeleteProps } from './ConfirmDeleteDialog'
import { DeleteDialog } from './DeleteDialog'
import { Icon } from './icons'
import { MoreMenu } from './MoreMenu'

interface Props {
  canDelete: boolean
  /** Name of the item in a sentence. */
  itemName: string
  onDelete: ConfirmDeleteProps['onDelete']
  /** Leaves the screen, before the row is removed from the cache. */
  navigateAway: () => Promise<void>
  /** Query key of the row. */
  queryKey: QueryKey
  /** Items above Delete. */
  children?: ReactNode
}

/** RowMenu holds the actions of a detail page that users need rarely. It deletes the row after confirmation. */
export function RowMenu({ canDelete, itemName, onDelete, navigateAway, queryKey, children }: Props) {
  const [isDeleting, setIsDeleting] = useState(false)
  const queryClient = useQueryClient()
  const showUndoToast = useUndoToast()
  useObjectActions(
    canDelete ? [{ label: 'Delete…', icon: 'delete', run: () => setIsDeleting(true), isDestructive: true }] : [],
  )
  if (!canDelete && !children) return null
  return (
    <>
      <MoreMenu>
        {children}
        {canDelete && (
          <Menu.Item c="var(--critical)" leftSection={<Icon name="delete" size={16} />} onClick={() => setIsDeleting(true)}>
            Delete
          </Menu.Item>
        )}
      </MoreMenu>
      {isDeleting && (
        <DeleteDialog
          itemName={itemName}
          onDelete={onDelete}
          onDeleted={(requestId) => {
            showUndoToast(`Deleted ${itemName}`, requestId)
            void navigateAway().then(() => {
              queryClient.removeQueries({ queryKey })
              void queryClient.invalidateQueries() // many lists may show the row or its dependent rows
            })
          }}
          onClose={() => setIsDeleting(false)}
        />
      )}
    </>
  )
}
