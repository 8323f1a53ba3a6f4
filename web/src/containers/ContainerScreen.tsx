import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { useAsOf } from '../asOf/asOf'
import { Attachments } from '../attachments/Attachments'
import { DeletedRow } from '../changes/DeletedRow'
import { RestorableChangeList } from '../changes/RestorableChangeList'
import { CustodyActions } from '../checkouts/CustodyActions'
import { CustodyTimeline } from '../checkouts/CustodyTimeline'
import { copyText } from '../components/copyText'
import { DetailColumns } from '../components/DetailColumns'
import { type FormatField, formatValue } from '../components/formatValue'
import { ButtonLink } from '../components/links'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { ScreenTabs } from '../components/ScreenTabs'
import { FreezerLink, useFreezerNames } from '../freezers/FreezerLink'
import { useListTotal } from '../grid/useListTotal'
import { attachmentsList } from '../lists/attachments'
import { PrintLabelsButton } from '../labels/PrintLabelsButton'
import { insideContainersList } from '../lists/containers'
import { usePersonName } from '../people/PersonName'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import { LatestStocktake } from '../stocktakes/StartStocktake'
import { pathQuery } from '../storage/api'
import {
  type Container,
  containerEditOptions,
  type ContainerFields,
  containerHistory,
  containerLabels,
  containerQuery,
  containerTitle,
  custodyLabels,
  deleteContainer,
} from './api'
import { ContainerContents } from './ContainerContents'
import { containerFacts, formatGrid } from './containerFacts'
import { ContainerForm } from './ContainerForm'
import { ContainerPath, ContainerPosition, ContainerSite, ParentLink } from './ContainerPlace'
import { holdsOthers } from './kinds'
import { MoveContainerButton } from './MoveContainerButton'
import { ContainerStatusBadge, statusLabel } from './status'

/** ContainerScreen shows a container with its place, what lies in it, activity and files. */
export function ContainerScreen() {
  const { uuid } = useParams({ from: '/containers/$uuid' })
  const asOf = useAsOf()
  const query = useQuery(containerQuery(uuid, asOf))
  return (
    <Screen
      title={query.data ? containerTitle(query.data) : 'Container'}
      breadcrumb={query.data && <ContainerPath container={query.data} />}
      badges={query.data && query.data.status !== 'stored' && <ContainerStatusBadge status={query.data.status} />}
      actions={query.data && asOf === undefined && <ContainerActions container={query.data} />}
    >
      <QueryBoundary
        query={query}
        renderNotFound={(problem) => <DeletedRow table="container" rowKey={uuid} problem={problem} />}
      >
        {(container) => (
          <DetailColumns facts={<Details container={container} />}>
            <ContainerTabs container={container} />
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

/** ContainerActions are the buttons of the title line. */
function ContainerActions({ container }: { container: Container }) {
  const navigate = useNavigate()
  const target = {
    to: '/freezers/$id',
    params: { id: String(container.freezer_id) },
    search: { container: container.uuid },
  } as const
  useObjectActions(
    container.parent_uuid ? [{ label: 'Show on the map', icon: 'place', run: () => void navigate(target) }] : [],
  )
  return (
    <>
      {container.parent_uuid && (
        <ButtonLink {...target} variant="default">
          Show on the map
        </ButtonLink>
      )}
      <CustodyActions container={container} />
      <PrintLabelsButton source={{ uuids: [container.uuid] }} isScreenAction />
      <MoveContainerButton container={container} />
      <ContainerMenu container={container} />
    </>
  )
}

function ContainerTabs({ container }: { container: Container }) {
  const { uuid } = container
  const canEdit = usePermission('operator')
  const files = useListTotal(attachmentsList, { container_uuid: uuid })
  const inside = useListTotal(insideContainersList, { parent_uuid: uuid })
  const formatField = useFormatContainerField(uuid)
  const hasContents = holdsOthers(container) || (inside !== undefined && inside !== '0')
  return (
    <ScreenTabs
      label="About this container"
      tabs={[
        ...(hasContents
          ? [
              {
                name: 'contents',
                label: 'Contents',
                hasPast: true,
                count: inside,
                render: () => <ContainerContents container={container} />,
              },
            ]
          : []),
        {
          name: 'history',
          label: 'History',
          hasPast: true,
          render: () => (
            <RestorableChangeList
              row={container}
              canEdit={canEdit}
              editLabels={containerLabels}
              editOptions={containerEditOptions(container)}
              queryKey={['container', uuid, 'history']}
              fetchHistory={containerHistory(uuid)}
              labels={{ ...containerLabels, ...custodyLabels }}
              formatField={formatField}
            />
          ),
        },
        { name: 'custody', label: 'Check-outs', render: () => <CustodyTimeline uuid={uuid} /> },
        { name: 'attachments', label: 'Attachments', count: files, render: () => <Attachments parent={{ container_uuid: uuid }} /> },
      ]}
    />
  )
}

/** useFormatContainerField returns a function that shows IDs, usernames and states in the history as names. */
function useFormatContainerField(uuid: string): FormatField {
  const freezerName = useFreezerNames()
  const personName = usePersonName()
  const { data } = useQuery(pathQuery(uuid, useAsOf()))
  return (field, value) => {
    if (field === 'freezer_id' && typeof value === 'number') return freezerName(value)
    if (typeof value !== 'string') return formatValue(value)
    if (field === 'owner' || field === 'holder') return personName(value)
    if (field === 'status') return statusLabel(value)
    const around = field === 'parent_uuid' && data?.path.find((step) => step.uuid === value)
    return around ? containerTitle(around) : formatValue(value)
  }
}

function Details({ container }: { container: Container }) {
  const code = container.barcode ?? container.uuid
  useObjectActions([{ label: 'Copy barcode', icon: 'copy', run: () => void copyText('Barcode', code) }])
  const grid = formatGrid(container)
  return (
    <RowDetails<Container, ContainerFields>
      row={container}
      canEdit={usePermission('operator')}
      labels={containerLabels}
      titleField="description"
      formatField={useFormatContainerField(container.uuid)}
      items={[
        ...containerFacts(container),
        ['Site', <ContainerSite key="site" uuid={container.uuid} />],
        [containerLabels.freezer_id, <FreezerLink key="freezer" id={container.freezer_id} />],
        [containerLabels.parent_uuid, <ParentLink key="parent" container={container} />],
        [containerLabels.position, <ContainerPosition key="position" container={container} />],
        ...(grid ? [['Grid', grid] as [string, string]] : []),
        ...(container.blocked ? [[containerLabels.blocked, container.blocked] as [string, string]] : []),
        ...(container.capacity === null ? [] : [[containerLabels.capacity, container.capacity] as [string, number]]),
        ...(holdsOthers(container)
          ? [['Stock-take', <LatestStocktake key="stocktake" scope={{ container_uuid: container.uuid }} />] as [string, ReactNode]]
          : []),
        ['UUID', <code key="uuid">{container.uuid}</code>],
      ]}
      renderForm={(props) => <ContainerForm {...props} initialValues={props.initialValues as Partial<Container>} />}
      editOptions={containerEditOptions(container)}
    />
  )
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
