import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { DeleteButton } from '../components/DeleteButton'
import { formatIdAsName } from '../components/formatValue'
import { ButtonLink, TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { BulkContainerActions } from '../containers/BulkContainerActions'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { freezerContainersList } from '../lists/containers'
import { usePermission } from '../session/api'
import { SiteLink, useSiteNames } from '../sites/SiteLink'
import { LinkedTodos } from '../todos/LinkedTodos'
import {
  deleteFreezer,
  fetchFreezer,
  type Freezer,
  type FreezerFields,
  freezerHistory,
  freezerLabels,
  freezerQuery,
  updateFreezer,
} from './api'
import { FreezerForm } from './FreezerForm'

/** FreezerScreen shows a freezer with its containers, todos, attachments and history. */
export function FreezerScreen() {
  const { id: idParam } = useParams({ from: '/freezers/$id' })
  const id = Number(idParam)
  const query = useQuery(freezerQuery(id))
  const getSiteName = useSiteNames()
  return (
    <Screen
      title={query.data?.name ?? `Freezer ${idParam}`}
      breadcrumb={<TextLink to="/instruments">Instruments</TextLink>}
      actions={query.data && <DeleteFreezer freezer={query.data} />}
    >
      <QueryBoundary query={query}>
        {(freezer) => (
          <>
            <Details freezer={freezer} />
            <FreezerContainers id={id} />
            <LinkedTodos link={{ freezer_id: id }} />
            <Section title="Attachments" id="attachments">
              <Attachments parent={{ freezer_id: id }} />
            </Section>
            <Section title="History" id="history">
              <ChangeList
                queryKey={['freezer', id, 'history']}
                fetchHistory={freezerHistory(id)}
                labels={freezerLabels}
                formatField={formatIdAsName('site_id', getSiteName)}
              />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Details({ freezer }: { freezer: Freezer }) {
  return (
    <RowDetails<Freezer, FreezerFields>
      row={freezer}
      canEdit={usePermission('operator')}
      labels={freezerLabels}
      formatField={formatIdAsName('site_id', useSiteNames())}
      fieldContent={{ site_id: <SiteLink id={freezer.site_id} /> }}
      renderForm={(props) => <FreezerForm {...props} />}
      editOptions={{
        queryKey: freezerQuery(freezer.id).queryKey,
        listKey: ['freezers'],
        isSameRow: (row) => row.id === freezer.id,
        fetchRow: () => fetchFreezer(freezer.id),
        updateRow: updateFreezer,
      }}
    />
  )
}

function FreezerContainers({ id }: { id: number }) {
  const grid = useGrid(freezerContainersList, { scope: { freezer_id: String(id) }, prefix: 'containers.' })
  const canEdit = usePermission('operator')
  const newButton = canEdit && (
    <ButtonLink to="/containers/new" search={{ freezer_id: String(id) }} variant="default">
      New container
    </ButtonLink>
  )
  return (
    <Section title="Containers" id="containers" actions={newButton}>
      <DataGrid
        grid={grid}
        isEmbedded
        bulkActions={
          canEdit
            ? (selection) => <BulkContainerActions selection={selection} onDone={() => grid.select([])} />
            : undefined
        }
        empty={<EmptyState icon="container" title="No containers in this freezer" />}
      />
    </Section>
  )
}

function DeleteFreezer({ freezer }: { freezer: Freezer }) {
  const navigate = useNavigate()
  return (
    <DeleteButton
      canDelete={usePermission('operator')}
      itemName={freezer.name}
      onDelete={(options) => deleteFreezer(freezer, options)}
      navigateAway={() => navigate({ to: '/instruments' })}
      queryKey={freezerQuery(freezer.id).queryKey}
    />
  )
}
