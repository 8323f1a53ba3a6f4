import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { ButtonLink, TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { Screen } from '../components/Screen'
import { StatusBadge } from '../components/StatusBadge'
import { TimeAgo } from '../components/TimeAgo'
import { PersonName } from '../people/PersonName'
import { useScanHandler } from '../scan/scanHandler'
import { currentQueue, newEntry, startQueue } from '../scanMode/scanQueues'
import { usePermission, useSession } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { OccupancyBar } from '../storage/OccupancyBar'
import { stocktakeQuery, type StocktakeTotals } from './api'
import { CloseStocktakeDialog } from './CloseStocktakeDialog'
import { countScanned, describeProgress } from './results'
import { StocktakeItems } from './StocktakeItems'
import { StocktakePlaceLinks, useStocktakePlace } from './StocktakePlace'

const refreshInterval = 5_000 // ms; several people scan at the same time

/** StocktakeScreen shows a stock-take with its report, and closes it. */
export function StocktakeScreen() {
  const { id: idParam } = useParams({ from: '/stocktakes/$id' })
  const query = useQuery({
    ...stocktakeQuery(Number(idParam)),
    refetchInterval: ({ state: { data } }) => (data?.closed_at === null ? refreshInterval : false),
  })
  return (
    <QueryBoundary query={query}>{(stocktake) => <LoadedScreen stocktake={stocktake} />}</QueryBoundary>
  )
}

function LoadedScreen({ stocktake }: { stocktake: StocktakeTotals }) {
  const isOpen = stocktake.closed_at === null
  return (
    <Screen
      title={`Stock-take of ${useStocktakePlace(stocktake)}`}
      breadcrumb={<TextLink to="/stocktakes">Stock-takes</TextLink>}
      badges={<StatusBadge tone={isOpen ? 'info' : 'inactive'}>{isOpen ? 'Open' : 'Closed'}</StatusBadge>}
      actions={isOpen && <Actions stocktake={stocktake} />}
    >
      <Stack gap="sm">
        <Facts stocktake={stocktake} />
        <Progress stocktake={stocktake} />
        <StocktakeItems key={String(isOpen)} stocktake={stocktake} refreshInterval={refreshInterval} />
      </Stack>
    </Screen>
  )
}

function Facts({ stocktake }: { stocktake: StocktakeTotals }) {
  const { started_at, started_by, closed_at, closed_by, note } = stocktake
  return (
    <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
      <StocktakePlaceLinks {...stocktake} />, started by <PersonName username={started_by} isLink />{' '}
      <TimeAgo at={started_at} />
      {closed_at && closed_by && (
        <>
          , closed by <PersonName username={closed_by} isLink /> <TimeAgo at={closed_at} />
        </>
      )}
      {note && <div>{note}</div>}
    </Text>
  )
}

/** Progress tells how many of the expected containers were scanned. */
function Progress({ stocktake }: { stocktake: StocktakeTotals }) {
  const { scanned, expected } = countScanned(stocktake)
  return (
    <div>
      <Text fw={600}>{describeProgress(stocktake)}</Text>
      <OccupancyBar taken={scanned} positions={expected} isComparison />
    </div>
  )
}

function Actions({ stocktake }: { stocktake: StocktakeTotals }) {
  const canEdit = usePermission('operator')
  return canEdit ? <EditActions stocktake={stocktake} /> : null
}

function EditActions({ stocktake }: { stocktake: StocktakeTotals }) {
  const [isClosing, setIsClosing] = useState(false)
  useScanHere(stocktake.id)
  useShortcut('x', 'Close the stock-take', () => setIsClosing(true))
  return (
    <Group gap="xs">
      <Button variant="default" onClick={() => setIsClosing(true)}>
        Close…
      </Button>
      <ButtonLink to="/scan" search={scanSearch(stocktake.id)}>
        Scan
      </ButtonLink>
      {isClosing && <CloseStocktakeDialog stocktake={stocktake} onClose={() => setIsClosing(false)} />}
    </Group>
  )
}

const scanSearch = (id: number) => ({ mode: 'stock-take', stocktake: String(id) })

/** useScanHere counts a scan on this screen, and goes on in scan mode. */
function useScanHere(id: number) {
  const user = useSession()?.username ?? ''
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  useScanHandler(({ typed, us }) => {
    startQueue(user, queryClient)
    currentQueue.get()?.queue.add(newEntry(user, [typed, us], { kind: 'count', stocktake: id }))
    void navigate({ to: '/scan', search: scanSearch(id) })
  })
}
