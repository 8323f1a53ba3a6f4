import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { freezerQuery } from '../freezers/api'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import { DeleteRow } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { named } from '../components/formatValue'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { useMay } from '../session/api'
import { SiteLink } from '../sites/SiteLink'
import { type Container, type ContainerFields, containerHistory, containerLabels, containerQuery, deleteContainer, editOf, titleOf } from './api'
import { ContainerForm } from './ContainerForm'
import { MoveContainer } from './MoveContainerButton'

/** ContainerScreen shows a container, and where it stands. */
export function ContainerScreen() {
  const { uuid } = useParams({ from: '/containers/$uuid' })
  const query = useQuery(containerQuery(uuid))
  const freezerName = useFreezerNames()
  return (
    <Screen
      title={query.data ? titleOf(query.data) : 'Container'}
      above={<TextLink to="/containers">Containers</TextLink>}
      actions={
        query.data && (
          <>
            <MoveContainer container={query.data} />
            <Delete container={query.data} />
          </>
        )
      }
    >
      <Shown query={query}>
        {(container) => (
          <>
            <Text ff="monospace" style={{ overflowWrap: 'anywhere' }}>
              {container.uuid}
            </Text>
            <Details key={uuid} container={container} />
            <Part title="Files" id="files">
              <Attachments of={{ container_uuid: uuid }} />
            </Part>
            <Part title="History" id="history">
              <ChangeList queryKey={['container', uuid, 'history']} read={containerHistory(uuid)} labels={containerLabels} tell={named('freezer_id', freezerName)} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function Details({ container }: { container: Container }) {
  return (
    <RowDetails<Container, ContainerFields>
      row={container}
      may={useMay('operator')}
      labels={containerLabels}
      tell={named('freezer_id', useFreezerNames())}
      cells={{ freezer_id: <Place id={container.freezer_id} /> }}
      form={(props) => <ContainerForm {...props} />}
      options={editOf(container)}
    />
  )
}

/** Place is the freezer in which a container stands, and the site of that. */
function Place({ id }: { id: number }) {
  const { data } = useQuery(freezerQuery(id))
  return (
    <>
      <FreezerLink id={id} name={data?.name} />
      {data && (
        <>
          {', '}
          <SiteLink id={data.site_id} />
        </>
      )}
    </>
  )
}

function Delete({ container }: { container: Container }) {
  const navigate = useNavigate()
  return (
    <DeleteRow
      may={useMay('operator')}
      what={titleOf(container)}
      remove={(how) => deleteContainer(container, how)}
      leave={() => navigate({ to: '/containers' })}
      row={containerQuery(container.uuid).queryKey}
    />
  )
}
