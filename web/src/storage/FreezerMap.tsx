import { Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'

import { useAsOf } from '../asOf/asOf'
import { AsOfSlider } from '../asOf/AsOfSlider'
import { NothingThere } from '../asOf/NothingThere'
import { ButtonLink, TextLink } from '../components/links'
import { Panel } from '../components/Panel'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { useSearchParam } from '../components/useSearchParam'
import { containerTitle } from '../containers/api'
import { usePermission } from '../session/api'
import { type Content, freezerMapQuery, type FreezerMapData, pathQuery } from './api'
import { BoxPane } from './BoxPane'
import { ContainerCellPanel, FreeCellPanel } from './CellPanel'
import classes from './FreezerMap.module.css'
import { buildTree, chainOf } from './mapTree'
import type { Cell } from './positions'
import { ShelfMatrix } from './ShelfMatrix'

/** FreezerMap shows where everything lies in a freezer: shelves and racks, a rack, a box. */
export function FreezerMap({ id }: { id: number }) {
  const asOf = useAsOf()
  const query = useQuery({ ...freezerMapQuery(id, asOf), placeholderData: keepPreviousData })
  return (
    <>
      <AsOfSlider table="freezer" rowKey={String(id)} />
      <QueryBoundary query={query} rows={8} renderNotFound={() => <NothingThere />}>
        {(map) => {
          if (map.map.length > 0) return <Panes map={map} />
          return asOf !== undefined && map.loose === 0 ? <NothingThere /> : <EmptyMap map={map} />
        }}
      </QueryBoundary>
    </>
  )
}

function EmptyMap({ map: { id, loose } }: { map: FreezerMapData }) {
  const canEdit = usePermission('operator')
  return (
    <EmptyState
      icon="storage"
      title="Add shelves, racks and boxes"
      actions={
        <>
          {canEdit && (
            <>
              <ButtonLink to="/containers/new" search={{ freezer_id: String(id), kind: 'shelf' }} variant="default">
                New shelf
              </ButtonLink>
              <ButtonLink to="/containers/add" search={{ freezer_id: String(id) }} variant="default">
                Add many
              </ButtonLink>
            </>
          )}
          {loose > 0 && <ContentsLink id={id} loose={loose} isButton />}
        </>
      }
    >
      The map shows what holds other containers. Add shelves or racks, then boxes with rows and columns in them.
    </EmptyState>
  )
}

/** ContentsLink leads to the containers that lie in the freezer and not in another container. */
function ContentsLink({ id, loose, isButton = false }: { id: number; loose: number; isButton?: boolean }) {
  const target = {
    to: '/freezers/$id',
    params: { id: String(id) },
    search: { tab: 'contents', 'containers.parent_uuid__empty': 'true' },
  } as const
  const text = `View ${loose === 1 ? '1 loose container' : `${loose.toLocaleString('en')} loose containers`}`
  return isButton ? (
    <ButtonLink {...target} variant="default">
      {text}
    </ButtonLink>
  ) : (
    <TextLink {...target} underline="always" size="xs">
      {text}
    </TextLink>
  )
}

function Panes({ map }: { map: FreezerMapData }) {
  const [chosenUuid, setChosenUuid] = useSearchParam('container')
  const asOf = useAsOf()
  const [freeCell, setFreeCell] = useState<{ parent: string; cell: Cell }>()
  const [moving, setMoving] = useState<string>()
  const { roots, byUuid } = useMemo(() => buildTree(map.map), [map.map])
  const path = useQuery({ ...pathQuery(chosenUuid, asOf), enabled: chosenUuid !== '', placeholderData: keepPreviousData })
  const chosenNode = byUuid.get(chosenUuid)
  const parentOnPath = path.data?.path.findLast(({ uuid }) => byUuid.has(uuid))
  const chain = chainOf(chosenNode ?? byUuid.get(chosenUuid === '' ? '' : (parentOnPath?.uuid ?? '')))
  const last = chain.at(-1)
  // A box is the last one that holds others; what it lies in is shown beside it.
  const box = last && last.children.length === 0 ? last : undefined
  const rack = box ? box.parent : last
  const choose = (uuid: string) => {
    setFreeCell(undefined)
    setMoving(undefined)
    setChosenUuid(uuid)
  }
  const chooseCell = (parent: string) => (cell: Cell | { content: Content }) => {
    if (cell.content) return choose(cell.content.uuid)
    setFreeCell({ parent, cell: cell as Cell })
  }
  const chosenIn = (uuid: string | undefined) => (freeCell?.parent === uuid ? freeCell?.cell.label : undefined)
  const isInGrid = (chosenNode?.parent ?? (chosenNode ? undefined : last))?.unit.rows != null
  const isElsewhere = path.data && !path.isPlaceholderData && path.data.freezer_id !== map.id
  const freeParent = freeCell && byUuid.get(freeCell.parent)
  return (
    <div className={classes.frame}>
      <div className={classes.panes}>
        <div className={classes.left}>
          <Panel
            title="Shelves and racks"
            id="shelves"
            actions={
              <Text size="xs" c="dimmed">
                colour: how full
              </Text>
            }
          >
            <ShelfMatrix roots={roots} chain={new Set(chain.map(({ unit }) => unit.uuid))} onChoose={choose} />
            {map.loose > 0 && <ContentsLink id={map.id} loose={map.loose} />}
          </Panel>
          {rack && (
            <BoxPane
              key={rack.unit.uuid}
              id="rack"
              node={rack}
              chosen={chosenIn(rack.unit.uuid) ?? box?.unit.uuid ?? chosenUuid}
              onChoose={chooseCell(rack.unit.uuid)}
              moving={moving}
              onMovingChange={setMoving}
              colouring="occupancy"
            />
          )}
        </div>
        {box ? (
          <BoxPane
            key={box.unit.uuid}
            id="box"
            node={box}
            chosen={chosenIn(box.unit.uuid) ?? chosenUuid}
            onChoose={chooseCell(box.unit.uuid)}
            moving={moving}
            onMovingChange={setMoving}
          />
        ) : (
          <Panel title="Box" id="box">
            <Text size="sm" c="dimmed">
              {rack ? `Choose a container in ${containerTitle(rack.unit)}.` : 'Choose a shelf, a rack or a box.'}
            </Text>
          </Panel>
        )}
        <div className={classes.side}>
          {isElsewhere && (
            <Text size="sm">
              The chosen container is in{' '}
              <TextLink
                to="/freezers/$id"
                params={{ id: String(path.data?.freezer_id) }}
                search={{ container: chosenUuid }}
                inherit
                underline="always"
              >
                {path.data?.freezer_name}
              </TextLink>
              .
            </Text>
          )}
          {freeCell && freeParent ? (
            <FreeCellPanel
              parent={{ uuid: freeCell.parent, name: containerTitle(freeParent.unit) }}
              position={freeCell.cell.label}
              isBlocked={freeCell.cell.state === 'blocked'}
            />
          ) : chosenUuid !== '' ? (
            <ContainerCellPanel uuid={chosenUuid} onMove={isInGrid ? () => setMoving(chosenUuid) : undefined} />
          ) : null}
        </div>
      </div>
    </div>
  )
}
