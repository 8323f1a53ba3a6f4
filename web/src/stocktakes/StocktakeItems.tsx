import { Button, Group } from '@mantine/core'
import { useMemo } from 'react'

import { toProblem } from '../api/problem'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { toast } from '../components/toast'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { itemsOf } from '../lists/stocktakeItems'
import { usePermission } from '../session/api'
import { scanItem, type StocktakeItem, type StocktakeTotals, undoScan, useStocktakeMutation } from './api'
import { ResultFilter } from './ResultFilter'

interface Props {
  stocktake: StocktakeTotals
  /** Milliseconds between refreshes while the stock-take is open. */
  refreshInterval: number
}

/** StocktakeItems is the report of a stock-take: what is expected and what was scanned, with the result of each. */
export function StocktakeItems({ stocktake, refreshInterval }: Props) {
  const { id, freezer_id, closed_at } = stocktake
  const isOpen = closed_at === null
  const definition = useMemo(() => itemsOf({ id, freezer_id, closed_at }), [id, freezer_id, closed_at])
  const grid = useGrid(definition, { scope: {}, ...(isOpen && { refetchInterval: refreshInterval }) })
  const canEdit = usePermission('operator')
  const result = grid.state.filters.find(({ param }) => param === 'result')?.value ?? ''
  return (
    <>
      <ResultFilter
        stocktake={stocktake}
        value={result}
        onChange={(value) => grid.actions.setFilters({ result: value || undefined })}
      />
      <DataGrid
        grid={grid}
        isEmbedded
        rowActions={
          canEdit && isOpen
            ? { header: 'Actions', width: 12.5, render: (item) => <ItemActions id={id} item={item} /> }
            : undefined
        }
        empty={<EmptyState icon="container" title="Nothing is expected, and nothing was scanned" />}
      />
    </>
  )
}

function ItemActions({ id, item }: { id: number; item: StocktakeItem }) {
  const { mutate, isPending } = useStocktakeMutation((write: () => Promise<StocktakeItem>) => write())
  const { result, code, container_uuid, name } = item
  const run = (write: () => Promise<StocktakeItem>) =>
    mutate(write, { onError: (error) => toast(toProblem(error).message, 'error') })
  if (result === 'missing' && container_uuid)
    return (
      <Button
        variant="default"
        loading={isPending}
        aria-label={`Found: ${name}`}
        onClick={() => run(() => scanItem(id, container_uuid))}
      >
        Found
      </Button>
    )
  if (code === null) return null
  return (
    <Group gap={4} wrap="nowrap">
      <Button
        variant="default"
        loading={isPending}
        aria-label={`Remove the scan of ${name}`}
        onClick={() => run(() => undoScan(id, code))}
      >
        Remove
      </Button>
      {result === 'unknown' && (
        <ButtonLink to="/containers/new" search={{ uuid: code }} variant="default" aria-label={`Register ${code}`}>
          Register
        </ButtonLink>
      )}
    </Group>
  )
}
