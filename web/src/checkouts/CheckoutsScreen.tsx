import { Button } from '@mantine/core'
import { useState } from 'react'

import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { useGrid } from '../grid/useGrid'
import { checkoutsList } from '../lists/checkouts'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { CheckoutsGrid } from './CheckoutsGrid'
import { NewCheckoutDialog } from './NewCheckoutDialog'

/** CheckoutsScreen lists who has which container. */
export function CheckoutsScreen() {
  const grid = useGrid(checkoutsList)
  const canEdit = usePermission('operator')
  const [isOpen, setIsOpen] = useState(false)
  useShortcut('n', 'Check out a container', () => setIsOpen(true), canEdit)
  const button = canEdit && <Button onClick={() => setIsOpen(true)}>Check out</Button>
  return (
    <Screen title="Checked out" actions={button}>
      <CheckoutsGrid
        grid={grid}
        hasQuickFilters
        empty={<EmptyState icon="checkOut" title="No container is checked out" />}
      />
      {isOpen && <NewCheckoutDialog onClose={() => setIsOpen(false)} />}
    </Screen>
  )
}
