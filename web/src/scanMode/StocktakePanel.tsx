import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { Icon } from '../components/icons'
import { ButtonLink, TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { useStore } from '../components/store'
import { useListTotal } from '../grid/useListTotal'
import { itemsOf } from '../lists/stocktakeItems'
import { openStocktakesQuery, stocktakeQuery, type StocktakeTotals } from '../stocktakes/api'
import { describeProgress } from '../stocktakes/results'
import { placeName, useStocktakePlace } from '../stocktakes/StocktakePlace'
import { type ScanBox, scanBox, setScanBox } from './scanBox'

interface Props {
  /** ID of the stock-take; 0 or NaN for none. */
  id: number
  onChange: (id: number) => void
}

/** StocktakePanel chooses a stock-take, and shows how far it is and the box at hand. */
export function StocktakePanel({ id, onChange }: Props) {
  const query = useQuery({ ...stocktakeQuery(id), enabled: id > 0 })
  if (!(id > 0)) return <Choice onChange={onChange} />
  return <QueryBoundary query={query}>{(stocktake) => <Progress stocktake={stocktake} />}</QueryBoundary>
}

function Choice({ onChange }: Pick<Props, 'onChange'>) {
  const query = useQuery(openStocktakesQuery)
  return (
    <QueryBoundary query={query}>
      {(stocktakes) =>
        stocktakes.length === 0 ? (
          <Group justify="space-between">
            <Text size="sm">No stock-take is open.</Text>
            <ButtonLink to="/stocktakes" variant="default">
              Start one
            </ButtonLink>
          </Group>
        ) : (
          <Group gap="xs" role="group" aria-label="Stock-take">
            {stocktakes.map((stocktake) => (
              <Button key={stocktake.id} variant="default" onClick={() => onChange(stocktake.id)}>
                {placeName(stocktake)}
              </Button>
            ))}
          </Group>
        )
      }
    </QueryBoundary>
  )
}

function Progress({ stocktake }: { stocktake: StocktakeTotals }) {
  const { id } = stocktake
  const place = useStocktakePlace(stocktake)
  const box = useStore(scanBox)
  return (
    <div>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <TextLink to="/stocktakes/$id" params={{ id: String(id) }}>
          Stock-take of {place}
        </TextLink>
        : {describeProgress(stocktake)}
      </Text>
      {box?.stocktake === id && <BoxLine box={box} stocktake={stocktake} />}
    </div>
  )
}

/** BoxLine shows how many of the containers that a box should hold were found in it. */
function BoxLine({ box: { uuid, name }, stocktake }: { box: ScanBox; stocktake: StocktakeTotals }) {
  const items = itemsOf(stocktake)
  const expected = useListTotal(items, { home_parent_uuid: uuid, expected: 'true' })
  const found = useListTotal(items, { home_parent_uuid: uuid, result: 'found' })
  return (
    <Group justify="space-between" wrap="nowrap" mt={4}>
      <Group gap={6} wrap="nowrap">
        <Icon name="place" />
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          In <b>{name}</b>
          {expected !== undefined && found !== undefined && `: ${found} of ${expected}`}
        </Text>
      </Group>
      <Button variant="default" flex="none" onClick={() => setScanBox(undefined)}>
        No box
      </Button>
    </Group>
  )
}
