import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { DeleteButton } from '../components/DeleteButton'
import { formatIdAsName } from '../components/formatValue'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { freezerQuery } from '../freezers/api'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import { usePermission } from '../session/api'
import { SiteLink } from '../sites/SiteLink'
import {
  type Container,
  containerEditOptions,
  type ContainerFields,
  containerHistory,
  containerLabels,
  containerQuery,
  containerTitle,
  deleteContainer,
} from './api'
import { ContainerForm } from './ContainerForm'
import { MoveContainerButton } from './MoveContainerButton'

/** ContainerScreen shows a container with its location, attachments and history. */
export function ContainerScreen() {
  const { uuid } = useParams({ from: '/containers/$uuid' })
  const query = useQuery(containerQuery(uuid))
  const getFreezerName = useFreezerNames()
  return (
    <Screen
      title={query.data ? containerTitle(query.data) : 'Container'}
      breadcrumb={<TextLink to="/containers">Containers</TextLink>}
      actions={
        query.data && (
          <>
            <MoveContainerButton container={query.data} />
            <DeleteContainer container={query.data} />
          </>
        )
      }
    >
      <QueryBoundary query={query}>
        {(container) => (
          <>
            <Text ff="monospace" style={{ overflowWrap: 'anywhere' }}>
              {container.uuid}
            </Text>
            <Details container={container} />
            <Section title="Attachments" id="attachments">
              <Attachments parent={{ container_uuid: uuid }} />
            </Section>
            <Section title="History" id="history">
              <ChangeList
                queryKey={['container', uuid, 'history']}
                fetchHistory={containerHistory(uuid)}
                labels={containerLabels}
                formatField={formatIdAsName('freezer_id', getFreezerName)}
              />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Details({ container }: { container: Container }) {
  return (
    <RowDetails<Container, ContainerFields>
      row={container}
      canEdit={usePermission('operator')}
      labels={containerLabels}
      formatField={formatIdAsName('freezer_id', useFreezerNames())}
      fieldContent={{ freezer_id: <ContainerLocation id={container.freezer_id} /> }}
      renderForm={(props) => <ContainerForm {...props} />}
      editOptions={containerEditOptions(container)}
    />
  )
}

/** ContainerLocation links to the freezer of a container and to its site. */
function ContainerLocation({ id }: { id: number }) {
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

function DeleteContainer({ container }: { container: Container }) {
  const navigate = useNavigate()
  return (
    <DeleteButton
      canDelete={usePermission('operator')}
      itemName={containerTitle(container)}
      onDelete={(options) => deleteContainer(container, options)}
      navigateAway={() => navigate({ to: '/containers' })}
      queryKey={containerQuery(container.uuid).queryKey}
    />
  )
}
