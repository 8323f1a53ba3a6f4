import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { useAsOf } from '../asOf/asOf'
import { Attachments } from '../attachments/Attachments'
import { DeletedRow } from '../changes/DeletedRow'
import { RestorableChangeList } from '../changes/RestorableChangeList'
import { DetailColumns } from '../components/DetailColumns'
import { Icon } from '../components/icons'
import { ButtonLink, MenuItemLink, TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { RowMenu } from '../components/RowMenu'
import { Screen } from '../components/Screen'
import { ScreenTabs } from '../components/ScreenTabs'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { useListTotal } from '../grid/useListTotal'
import { attachmentsList } from '../lists/attachments'
import { siteContainersList } from '../lists/containers'
import { siteInstrumentsList } from '../lists/instruments'
import { linkedTodosList } from '../lists/todos'
import { usePermission } from '../session/api'
import { LinkedTodos } from '../todos/LinkedTodos'
import {
  deleteSite,
  type Site,
  siteEditOptions,
  type SiteFields,
  siteHistory,
  siteLabels,
  siteQuery,
} from './api'
import { SiteForm } from './SiteForm'

/** SiteScreen shows a site with its instruments, containers, todos, files and activity. */
export function SiteScreen() {
  const { id: idParam } = useParams({ from: '/sites/$id' })
  const asOf = useAsOf()
  const query = useQuery(siteQuery(Number(idParam), asOf))
  return (
    <Screen
      title={query.data?.name ?? `Site ${idParam}`}
      breadcrumb={<TextLink to="/sites">Sites</TextLink>}
      actions={query.data && asOf === undefined && <SiteActions site={query.data} />}
    >
      <QueryBoundary
        query={query}
        renderNotFound={(problem) => <DeletedRow table="site" rowKey={idParam} problem={problem} />}
      >
        {(site) => (
          <DetailColumns facts={<Details site={site} />}>
            <SiteTabs site={site} />
          </DetailColumns>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function SiteTabs({ site }: { site: Site }) {
  const { id } = site
  const canEdit = usePermission('operator')
  const scope = { site_id: String(id) }
  const instruments = useListTotal(siteInstrumentsList, scope)
  const containers = useListTotal(siteContainersList, scope)
  const todos = useListTotal(linkedTodosList, scope)
  const files = useListTotal(attachmentsList, scope)
  return (
    <ScreenTabs
      label="About this site"
      tabs={[
        {
          name: 'instruments',
          label: 'Instruments',
          hasPast: true,
          count: instruments,
          render: () => <SiteInstruments id={id} />,
        },
        {
          name: 'containers',
          label: 'Containers',
          hasPast: true,
          count: containers,
          render: () => <SiteContainers id={id} />,
        },
        {
          name: 'todos',
          label: 'Todos',
          count: todos,
          render: () => <LinkedTodos link={{ site_id: id }} />,
        },
        {
          name: 'attachments',
          label: 'Attachments',
          count: files,
          render: () => <Attachments parent={{ site_id: id }} />,
        },
        {
          name: 'history',
          label: 'History',
          hasPast: true,
          render: () => (
            <RestorableChangeList
              row={site}
              canEdit={canEdit}
              editLabels={siteLabels}
              editOptions={siteEditOptions(site)}
              queryKey={['site', id, 'history']}
              fetchHistory={siteHistory(id)}
              labels={siteLabels}
            />
          ),
        },
      ]}
    />
  )
}

function Details({ site }: { site: Site }) {
  return (
    <RowDetails<Site, SiteFields>
      row={site}
      canEdit={usePermission('operator')}
      labels={siteLabels}
      titleField="name"
      renderForm={(props) => <SiteForm {...props} />}
      moreItems={[['ID', site.id]]}
      editOptions={siteEditOptions(site)}
    />
  )
}

function SiteActions({ site }: { site: Site }) {
  const navigate = useNavigate()
  const canEdit = usePermission('operator')
  const search = { site_id: String(site.id) }
  return (
    <>
      {canEdit && (
        <ButtonLink to="/freezers/new" search={search}>
          New freezer
        </ButtonLink>
      )}
      <RowMenu
        canDelete={canEdit}
        itemName={site.name}
        onDelete={(options) => deleteSite(site, options)}
        navigateAway={() => navigate({ to: '/sites' })}
        queryKey={siteQuery(site.id).queryKey}
      >
        {canEdit && (
          <MenuItemLink to="/computers/new" search={search} leftSection={<Icon name="computer" size={16} />}>
            New computer
          </MenuItemLink>
        )}
        <MenuItemLink to="/todos/new" search={search} leftSection={<Icon name="todo" size={16} />}>
          New todo
        </MenuItemLink>
      </RowMenu>
    </>
  )
}

function SiteInstruments({ id }: { id: number }) {
  const grid = useGrid(siteInstrumentsList, { scope: { site_id: String(id) }, prefix: 'instruments.' })
  return (
    <DataGrid grid={grid} isEmbedded empty={<EmptyState icon="instrument" title="No instruments at this site" />} />
  )
}

function SiteContainers({ id }: { id: number }) {
  const grid = useGrid(siteContainersList, { scope: { site_id: String(id) }, prefix: 'containers.' })
  return <DataGrid grid={grid} isEmbedded empty={<EmptyState icon="container" title="No containers at this site" />} />
}
