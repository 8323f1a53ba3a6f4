import { Button } from '@mantine/core'
import { useState } from 'react'

import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { stocktakesList } from '../lists/stocktakes'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { NewStocktakeDialog } from './NewStocktakeDialog'

/** StocktakesScreen lists the stock-takes, and starts one. */
export function StocktakesScreen() {
  const grid = useGrid(stocktakesList)
  const canEdit = usePermission('operator')
  const [isOpen, setIsOpen] = useState(false)
  useShortcut('n', 'Start a stock-take', () => setIsOpen(true), canEdit)
  const { setFilters } = grid.actions
  return (
    <Screen title="Stock-takes" actions={canEdit && <Button onClick={() => setIsOpen(true)}>Start stock-take</Button>}>
      <DataGrid
        grid={grid}
        quickFilters={
          <>
            <Button variant="subtle" onClick={() => setFilters({ closed_at__empty: 'true' })}>
              Open
            </Button>
            <Button variant="subtle" onClick={() => setFilters({ closed_at__empty: undefined })}>
              All
            </Button>
          </>
        }
        empty={<EmptyState icon="stocktake" title="Nothing was counted yet" />}
      />
      {isOpen && <NewStocktakeDialog onClose={() => setIsOpen(false)} />}
    </Screen>
  )
}
