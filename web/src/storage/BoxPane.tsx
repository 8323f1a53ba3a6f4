import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { useAsOf } from '../asOf/asOf'
import { TextLink } from '../components/links'
import { Panel } from '../components/Panel'
import { QueryBoundary } from '../components/QueryBoundary'
import { containerTitle } from '../containers/api'
import { type Content, contentsQuery } from './api'
import { BoxView } from './BoxView'
import type { Colouring } from './colours'
import { ContentTiles } from './ContentTiles'
import { chainOf, type UnitNode } from './mapTree'
import type { Cell } from './positions'

interface Props {
  id: string
  node: UnitNode
  /** The chosen position, or the UUID of the chosen container in it. */
  chosen: string | undefined
  onChoose: (cell: Cell | { content: Content }) => void
  moving: string | undefined
  onMovingChange: (uuid: string | undefined) => void
  colouring?: Colouring
}

/** maxTiles is the number of containers without positions that are loaded at once. */
const maxTiles = 1000

/** BoxPane shows what lies in one container of a map. */
export function BoxPane({ id, node, chosen, onChoose, moving, onMovingChange, colouring }: Props) {
  const { unit } = node
  const asOf = useAsOf()
  const name = containerTitle(unit)
  const isTooLarge = unit.rows === null && unit.containers > maxTiles
  const query = useQuery({ ...contentsQuery(unit.uuid, asOf), enabled: !isTooLarge })
  const path = chainOf(node.parent)
  return (
    <Panel title={name} id={id} actions={<Size node={node} />}>
      <Text size="xs" c="dimmed" mb={6}>
        {path.map(({ unit }) => `${containerTitle(unit)} › `)}
        <TextLink to="/containers/$uuid" params={{ uuid: unit.uuid }} inherit underline="always">
          Open {name}
        </TextLink>
      </Text>
      {isTooLarge ? (
        <Text size="sm">
          {unit.containers.toLocaleString('en')} containers lie in {name}. Open it to see the list.
        </Text>
      ) : (
        <QueryBoundary query={query} rows={6}>
          {(contents): ReactNode =>
            contents.rows === null ? (
              <ContentTiles
                contents={contents}
                chosen={new Set([chosen ?? ''])}
                onChoose={(content) => onChoose({ content })}
              />
            ) : (
              <BoxView
                contents={contents}
                name={name}
                chosen={chosen}
                onChoose={onChoose}
                moving={moving}
                onMovingChange={onMovingChange}
                {...(colouring && { colouring })}
              />
            )
          }
        </QueryBoundary>
      )}
    </Panel>
  )
}

function Size({ node: { unit } }: { node: UnitNode }) {
  const grid = unit.rows === null ? '' : `${unit.rows} × ${unit.columns}, `
  const count = unit.containers.toLocaleString('en')
  return (
    <Text size="xs" c="dimmed">
      {grid}
      {unit.positions === null ? count : `${count} of ${unit.positions.toLocaleString('en')}`}
    </Text>
  )
}
