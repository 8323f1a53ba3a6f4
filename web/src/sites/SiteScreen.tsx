import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { DeleteButton } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { QueryBoundary } from '../components/QueryBoundary'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { Section } from '../components/Section'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { siteInstrumentsList } from '../lists/instruments'
import { usePermission } from '../session/api'
import { LinkedTodos } from '../todos/LinkedTodos'
import {
  deleteSite,
  fetchSite,
  type Site,
  type SiteFields,
  siteHistory,
  siteLabels,
  siteQuery,
  updateSite,
} from './api'
import { SiteForm } from './SiteForm'

/** SiteScreen shows a site with its instruments, todos, attachments and history. */
export function SiteScreen() {
  const { id: idParam } = useParams({ from: '/sites/$id' })
  const id = Number(idParam)
  const query = useQuery(siteQuery(id))
  return (
    <Screen
      title={query.data?.name ?? `Site ${idParam}`}
      breadcrumb={<TextLink to="/sites">Sites</TextLink>}
      actions={query.data && <DeleteSite site={query.data} />}
    >
      <QueryBoundary query={query}>
        {(site) => (
          <>
            <Details site={site} />
            <Section title="Instruments" id="instruments">
              <SiteInstruments id={id} />
            </Section>
            <LinkedTodos link={{ site_id: id }} />
            <Section title="Attachments" id="attachments">
              <Attachments parent={{ site_id: id }} />
            </Section>
            <Section title="History" id="history">
              <ChangeList queryKey={['site', id, 'history']} fetchHistory={siteHistory(id)} labels={siteLabels} />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Screen>
  )
}

function Details({ site }: { site: Site }) {
  return (
    <RowDetails<Site, SiteFields>
      row={site}
      canEdit={usePermission('operator')}
      labels={siteLabels}
      renderForm={(props) => <SiteForm {...props} />}
      editOptions={{
        queryKey: siteQuery(site.id).queryKey,
        listKey: ['sites'],
        isSameRow: (row) => row.id === site.id,
        fetchRow: () => fetchSite(site.id),
        updateRow: updateSite,
      }}
    />
  )
}

function DeleteSite({ site }: { site: Site }) {
  const navigate = useNavigate()
  return (
    <DeleteButton
      canDelete={usePermission('operator')}
      itemName={site.name}
      onDelete={(options) => deleteSite(site, options)}
      navigateAway={() => navigate({ to: '/sites' })}
      queryKey={siteQuery(site.id).queryKey}
    />
  )
}

function SiteInstruments({ id }: { id: number }) {
  const grid = useGrid(siteInstrumentsList, { scope: { site_id: String(id) }, prefix: 'instruments.' })
  return (
    <DataGrid grid={grid} isEmbedded empty={<EmptyState icon="instrument" title="No instruments at this site" />} />
  )
}
