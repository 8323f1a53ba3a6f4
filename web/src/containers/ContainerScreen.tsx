import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { copyText } from '../components/copyText'
import { DetailColumns } from '../components/DetailColumns'
import { formatIdAsName } from '../components/formatValue'
import { TextLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { ScreenTabs } from '../components/ScreenTabs'
import { freezerQuery } from '../freezers/api'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import { useListTotal } from '../grid/useListTotal'
import { attachmentsList } from '../lists/attachments'
import { useObjectActions } from '../search/useObjectActions'
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

/** ContainerScreen shows a container with its location, activity and files. */
export function ContainerScreen() {
  const { uuid } = useParams({ from: '/containers/$uuid' })
  const query = useQuery(containerQuery(uuid))
  return (
    <Screen
      title={query.data ? containerTitle(query.data) : 'Container'}
      breadcrumb={
        <>
          <TextLink to="/containers">Containers</TextLink>
          {query.data && <ContainerSite freezerId={query.data.freezer_id} />}
          {query.data && <FreezerLink id={query.data.freezer_id} />}
        </>
      }
      actions={
        query.data && (
          <>
            <MoveContainerButton container={query.data} />
            <ContainerMenu container={query.data} />
          </>
        )
      }
    >
      <QueryBoundary query={query}>
        {(container) => (
          <DetailColumns facts={<Details container={container} />}>
            <ContainerTabs uuid={container.uuid} />
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function ContainerTabs({ uuid }: { uuid: string }) {
  const files = useListTotal(attachmentsList, { container_uuid: uuid })
  const formatField = formatIdAsName('freezer_id', useFreezerNames())
  return (
    <ScreenTabs
      label="About this container"
      tabs={[
        {
          name: 'history',
          label: 'History',
          render: () => (
            <ChangeList
              queryKey={['container', uuid, 'history']}
              fetchHistory={containerHistory(uuid)}
              labels={containerLabels}
              formatField={formatField}
            />
          ),
        },
        { name: 'attachments', label: 'Attachments', count: files, render: () => <Attachments parent={{ container_uuid: uuid }} /> },
      ]}
    />
  )
}

function Details({ container }: { container: Container }) {
  useObjectActions([{ label: 'Copy barcode', icon: 'copy', run: () => void copyText('Barcode', container.uuid) }])
  return (
    <RowDetails<Container, ContainerFields>
      row={container}
      canEdit={usePermission('operator')}
      labels={containerLabels}
      titleField="description"
      formatField={formatIdAsName('freezer_id', useFreezerNames())}
      fieldContent={{ freezer_id: <FreezerLink id={container.freezer_id} /> }}
      moreItems={[
        ['Site', <ContainerSite key="site" freezerId={container.freezer_id} />],
        ['Barcode', <code key="barcode">{container.uuid}</code>],
      ]}
      renderForm={(props) => <ContainerForm {...props} />}
      editOptions={containerEditOptions(container)}
    />
  )
}

/** ContainerSite links to the site of the freezer of a container. */
function ContainerSite({ freezerId }: { freezerId: number }) {
  const { data } = useQuery(freezerQuery(freezerId))
  return data && <SiteLink id={data.site_id} />
}

function ContainerMenu({ container }: { container: Container }) {
  const navigate = useNavigate()
  return (
    <RowMenu
      canDelete={usePermission('operator')}
      itemName={containerTitle(container)}
      onDelete={(options) => deleteContainer(container, options)}
      navigateAway={() => navigate({ to: '/containers' })}
      queryKey={containerQuery(container.uuid).queryKey}
    />
  )
}
