import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { useAsOf } from '../asOf/asOf'
import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { insideContainersList } from '../lists/containers'
import { usePermission } from '../session/api'
import { type Content, contentsQuery } from '../storage/api'
import { BoxView } from '../storage/BoxView'
import { ContainerCellPanel, FreeCellPanel } from '../storage/CellPanel'
import type { Cell } from '../storage/positions'
import { type Container, containerTitle } from './api'
import { BulkContainerActions } from './BulkContainerActions'
import classes from './ContainerContents.module.css'

/** ContainerContents shows what lies in a container: its grid, or a list if it has none. */
export function ContainerContents({ container }: { container: Container }) {
  return container.rows === null ? <ContentList container={container} /> : <ContentGrid container={container} />
}

function ContentGrid({ container }: { container: Container }) {
  const query = useQuery(contentsQuery(container.uuid, useAsOf()))
  const [chosen, setChosen] = useState<Cell | { content: Content }>()
  const [moving, setMoving] = useState<string>()
  const name = containerTitle(container)
  return (
    <QueryBoundary query={query} rows={8}>
      {(contents) => (
        <div className={classes.columns}>
          <div className={classes.panel}>
            <BoxView
              contents={contents}
              name={name}
              chosen={chosen?.content?.uuid ?? (chosen && 'label' in chosen ? chosen.label : undefined)}
              onChoose={setChosen}
              moving={moving}
              onMovingChange={setMoving}
            />
          </div>
          {chosen?.content ? (
            <ContainerCellPanel uuid={chosen.content.uuid} onMove={() => setMoving(chosen.content?.uuid)} />
          ) : chosen && 'label' in chosen ? (
            <FreeCellPanel
              parent={{ uuid: container.uuid, name }}
              position={chosen.label}
              isBlocked={chosen.state === 'blocked'}
            />
          ) : null}
        </div>
      )}
    </QueryBoundary>
  )
}

function ContentList({ container: { uuid } }: { container: Container }) {
  const grid = useGrid(insideContainersList, { scope: { parent_uuid: uuid }, prefix: 'contents.' })
  const canEdit = usePermission('operator')
  return (
    <DataGrid
      grid={grid}
      isEmbedded
      bulkActions={(selection) => <BulkContainerActions selection={selection} onDone={() => grid.select([])} />}
      empty={
        <EmptyState
          icon="container"
          title="Nothing lies in this container"
          actions={
            canEdit && (
              <ButtonLink to="/containers/new" search={{ parent: uuid }}>
                Put a container here
              </ButtonLink>
            )
          }
        />
      }
    />
  )
}
