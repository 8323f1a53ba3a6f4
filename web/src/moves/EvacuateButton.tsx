import { useNavigate } from '@tanstack/react-router'

import { ButtonLink } from '../components/links'
import type { Freezer } from '../freezers/api'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'

/** EvacuateButton opens the screen that moves everything out of a freezer. */
export function EvacuateButton({ freezer }: { freezer: Pick<Freezer, 'id'> }) {
  const canEdit = usePermission('operator')
  const navigate = useNavigate()
  const target = { to: '/freezers/$id/evacuate', params: { id: String(freezer.id) } } as const
  const open = () => void navigate(target)
  useShortcut('v', 'Evacuate freezer', open, canEdit)
  useObjectActions(canEdit ? [{ label: 'Evacuate…', icon: 'move', run: open }] : [])
  return (
    canEdit && (
      <ButtonLink {...target} variant="default">
        Evacuate
      </ButtonLink>
    )
  )
}
