import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { useAsOf } from '../asOf/asOf'
import { AsOfButton } from '../asOf/AsOfButton'
import { Attachments } from '../attachments/Attachments'
import { DeletedRow } from '../changes/DeletedRow'
import { RestorableChangeList } from '../changes/RestorableChangeList'
import { DetailColumns } from '../components/DetailColumns'
import { formatIdAsName } from '../components/formatValue'
import { Icon } from '../components/icons'
import { ButtonLink, MenuItemLink, TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { ScreenTabs } from '../components/ScreenTabs'
import { useSearchParam } from '../components/useSearchParam'
import { BulkContainerActions } from '../containers/BulkContainerActions'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { useListTotal } from '../grid/useListTotal'
import { attachmentsList } from '../lists/attachments'
import { freezerContainersList } from '../lists/containers'
import { linkedTodosList } from '../lists/todos'
import { EvacuateButton } from '../moves/EvacuateButton'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import { SiteLink, useSiteNames } from '../sites/SiteLink'
import { LatestStocktake } from '../stocktakes/StartStocktake'
import { freezerMapQuery } from '../storage/api'
import { FreezerMap } from '../storage/FreezerMap'
import { FreezerOccupancy } from '../storage/FreezerOccupancy'
import { LinkedTodos } from '../todos/LinkedTodos'
import {
  deleteFreezer,
  type Freezer,
  freezerEditOptions,
  type FreezerFields,
  freezerHistory,
  freezerLabels,
  freezerQuery,
} from './api'
import { FreezerForm } from './FreezerForm'

/** FreezerScreen shows a freezer with its map, containers, todos, files and activity. */
export function FreezerScreen() {
  const { id: idParam } = useParams({ from: '/freezers/$id' })
  const asOf = useAsOf()
  const id = Number(idParam)
  const query = useQuery(freezerQuery(id, asOf))
  const [tab] = useSearchParam('tab')
  const isMap = !freezerTabNames.includes(tab) // the first tab
  useQuery({ ...freezerMapQuery(id, asOf), enabled: isMap }) // beside the freezer, not after it
  return (
    <Screen
      title={query.data?.name ?? `Freezer ${idParam}`}
      breadcrumb={
        <>
          <TextLink to="/storage">Storage</TextLink>
          {query.data && <SiteLink id={query.data.site_id} />}
        </>
      }
      badges={query.data && asOf === undefined && <FreezerOccupancy id={query.data.id} />}
      actions={
        <>
          <AsOfButton />
          {query.data && asOf === undefined && <FreezerActions freezer={query.data} />}
        </>
      }
    >
      <QueryBoundary
        query={query}
        renderNotFound={(problem) => <DeletedRow table="freezer" rowKey={idParam} problem={problem} />}
      >
        {(freezer) => (
          <DetailColumns facts={<Details freezer={freezer} />} isStacked={isMap}>
            <FreezerTabs freezer={freezer} />
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

/** freezerTabNames are the tabs after the map, which takes the whole width. */
const freezerTabNames = ['contents', 'todos', 'attachments', 'history']

function FreezerTabs({ freezer }: { freezer: Freezer }) {
  const { id } = freezer
  const canEdit = usePermission('operator')
  const scope = { freezer_id: String(id) }
  const containers = useListTotal(freezerContainersList, scope)
  const todos = useListTotal(linkedTodosList, scope)
  const files = useListTotal(attachmentsList, scope)
  const formatField = formatIdAsName('site_id', useSiteNames())
  return (
    <ScreenTabs
      label="About this freezer"
      tabs={[
        { name: 'map', label: 'Map', hasPast: true, render: () => <FreezerMap id={id} /> },
        { name: 'contents', label: 'Contents', hasPast: true, count: containers, render: () => <FreezerContainers id={id} /> },
        { name: 'todos', label: 'Todos', count: todos, render: () => <LinkedTodos link={{ freezer_id: id }} /> },
        { name: 'attachments', label: 'Attachments', count: files, render: () => <Attachments parent={{ freezer_id: id }} /> },
        {
          name: 'history',
          label: 'History',
          hasPast: true,
          render: () => (
            <RestorableChangeList
              row={freezer}
              canEdit={canEdit}
              editLabels={freezerLabels}
              editOptions={freezerEditOptions(freezer)}
              queryKey={['freezer', id, 'history']}
              fetchHistory={freezerHistory(id)}
              labels={freezerLabels}
              formatField={formatField}
            />
          ),
        },
      ]}
    />
  )
}

function Details({ freezer }: { freezer: Freezer }) {
  return (
    <RowDetails<Freezer, FreezerFields>
      row={freezer}
      canEdit={usePermission('operator')}
      labels={freezerLabels}
      titleField="name"
      formatField={formatIdAsName('site_id', useSiteNames())}
      fieldContent={{ site_id: <SiteLink id={freezer.site_id} /> }}
      moreItems={[
        ['ID', freezer.id],
        ['Stock-take', <LatestStocktake key="stocktake" scope={{ freezer_id: freezer.id }} />],
      ]}
      renderForm={(props) => <FreezerForm {...props} />}
      editOptions={freezerEditOptions(freezer)}
    />
  )
}

function FreezerContainers({ id }: { id: number }) {
  const grid = useGrid(freezerContainersList, { scope: { freezer_id: String(id) }, prefix: 'containers.' })
  const canEdit = usePermission('operator')
  return (
    <DataGrid
      grid={grid}
      isEmbedded
      bulkActions={(selection) => <BulkContainerActions selection={selection} onDone={() => grid.select([])} />}
      empty={
        <EmptyState
          icon="container"
          title="No containers in this freezer"
          actions={canEdit && <NewContainerLink freezerId={id} />}
        />
      }
    />
  )
}

function NewContainerLink({ freezerId }: { freezerId: number }) {
  return (
    <ButtonLink to="/containers/new" search={{ freezer_id: String(freezerId) }}>
      New container
    </ButtonLink>
  )
}

function FreezerActions({ freezer }: { freezer: Freezer }) {
  const navigate = useNavigate()
  const canEdit = usePermission('operator')
  const openNewContainer = () => void navigate({ to: '/containers/new', search: { freezer_id: String(freezer.id) } })
  useObjectActions(canEdit ? [{ label: 'New container', icon: 'plus', run: openNewContainer }] : [])
  return (
    <>
      {canEdit && (
        <ButtonLink to="/containers/add" search={{ freezer_id: String(freezer.id) }} variant="default">
          Add many
        </ButtonLink>
      )}
      <EvacuateButton freezer={freezer} />
      {canEdit && <NewContainerLink freezerId={freezer.id} />}
      <RowMenu
        canDelete={canEdit}
        itemName={freezer.name}
        onDelete={(options) => deleteFreezer(freezer, options)}
        navigateAway={() => navigate({ to: '/storage' })}
        queryKey={freezerQuery(freezer.id).queryKey}
      >
        <MenuItemLink
          to="/todos/new"
          search={{ freezer_id: String(freezer.id) }}
          leftSection={<Icon name="todo" size={16} />}
        >
          New todo
        </MenuItemLink>
      </RowMenu>
    </>
  )
}
