import { Button, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { useAsOf } from '../asOf/asOf'
import { DescriptionList } from '../components/DescriptionList'
import { ButtonLink, TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { type Container, containerLabels, containerQuery, containerTitle } from '../containers/api'
import { containerFacts } from '../containers/containerFacts'
import { usePermission } from '../session/api'
import classes from './CellPanel.module.css'

/** ContainerCellPanel shows the facts of the container at a chosen position, and what can be done with it. */
export function ContainerCellPanel({ uuid, onMove }: { uuid: string; onMove?: (() => void) | undefined }) {
  const query = useQuery(containerQuery(uuid, useAsOf()))
  return (
    <section aria-label="Chosen container" className={classes.panel}>
      <QueryBoundary query={query}>{(container) => <Facts container={container} onMove={onMove} />}</QueryBoundary>
    </section>
  )
}

function Facts({ container, onMove }: { container: Container; onMove: (() => void) | undefined }) {
  const canEdit = usePermission('operator')
  const { uuid, position } = container
  return (
    <>
      <Title order={2} className={classes.name}>
        {position && `${position} · `}
        <TextLink to="/containers/$uuid" params={{ uuid }} inherit>
          {containerTitle(container)}
        </TextLink>
      </Title>
      <div className={classes.actions}>
        <ButtonLink to="/containers/$uuid" params={{ uuid }} variant="default">
          Open
        </ButtonLink>
        {canEdit && onMove && (
          <Button variant="default" onClick={onMove}>
            Change position
          </Button>
        )}
      </div>
      <DescriptionList items={containerFacts(container)} />
    </>
  )
}

interface FreeProps {
  parent: { uuid: string; name: string }
  position: string
  isBlocked: boolean
}

/** FreeCellPanel offers to put a new container at a free position. */
export function FreeCellPanel({ parent, position, isBlocked }: FreeProps) {
  const canEdit = usePermission('operator')
  return (
    <section aria-label="Chosen position" className={classes.panel}>
      <Title order={2}>
        {position} · {isBlocked ? 'blocked' : 'free'}
      </Title>
      <Text size="sm" c="dimmed">
        {containerLabels.position} of {parent.name}
        {isBlocked && '. Blocked positions cannot be used.'}
      </Text>
      {canEdit && !isBlocked && (
        <div className={classes.actions}>
          <ButtonLink to="/containers/new" search={{ parent: parent.uuid, position }}>
            Put a container here
          </ButtonLink>
          <ButtonLink to="/containers/add" search={{ parent: parent.uuid }} variant="default">
            Add many
          </ButtonLink>
        </div>
      )}
    </section>
  )
}
