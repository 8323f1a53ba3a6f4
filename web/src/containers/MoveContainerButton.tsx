import { Button } from '@mantine/core'
import { lazy, useState } from 'react'

import { LazyBoundary } from '../components/LazyBoundary'
import { useFreezerNames } from '../freezers/FreezerLink'
import { toMoveItem } from '../moves/api'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import type { Container } from './api'

const MoveDialog = lazy(() => import('../moves/MoveDialog'))

/** MoveContainerButton moves a container to another freezer or into another container. */
export function MoveContainerButton({ container }: { container: Container }) {
  const canEdit = usePermission('operator')
  const [isOpen, setIsOpen] = useState(false)
  const getFreezerName = useFreezerNames()
  useShortcut('m', 'Move to another place', () => setIsOpen(true), canEdit)
  useObjectActions(canEdit ? [{ label: 'Move…', icon: 'move', run: () => setIsOpen(true) }] : [])
  if (!canEdit) return null
  return (
    <>
      <Button onClick={() => setIsOpen(true)}>Move</Button>
      {isOpen && (
        <LazyBoundary>
          <MoveDialog
            items={[toMoveItem(container)]}
            currentPlace={[getFreezerName(container.freezer_id), container.position].filter(Boolean).join(', ')}
            onClose={() => setIsOpen(false)}
          />
        </LazyBoundary>
      )}
    </>
  )
}
