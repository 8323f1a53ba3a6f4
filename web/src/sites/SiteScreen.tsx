import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { instrumentsQuery } from '../instruments/api'
import { columnsAtSite } from '../instruments/columns'
import { DataTable } from '../components/DataTable'
import { DeleteRow } from '../components/DeleteButton'
import { TextLink } from '../components/links'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { useMay } from '../session/api'
import { TodosAbout } from '../todos/LinkedTodos'
import { changeSite, deleteSite, readSite, type Site, type SiteFields, siteHistory, siteLabels, siteQuery } from './api'
import { SiteForm } from './SiteForm'

/** SiteScreen shows a site and all that belongs to it. */
export function SiteScreen() {
  const { id: text } = useParams({ from: '/sites/$id' })
  const id = Number(text)
  const query = useQuery(siteQuery(id))
  return (
    <Screen title={query.data?.name ?? `Site ${text}`} above={<TextLink to="/sites">Sites</TextLink>} actions={query.data && <Delete site={query.data} />}>
      <Shown query={query}>
        {(site) => (
          <>
            <Details key={site.id} site={site} />
            <Part title="Instruments" id="instruments">
              <Instruments id={id} />
            </Part>
            <TodosAbout thing={{ site_id: id }} />
            <Part title="Files" id="files">
              <Attachments of={{ site_id: id }} />
            </Part>
            <Part title="History" id="history">
              <ChangeList queryKey={['site', id, 'history']} read={siteHistory(id)} labels={siteLabels} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function Details({ site }: { site: Site }) {
  return (
    <RowDetails<Site, SiteFields>
      row={site}
      may={useMay('operator')}
      labels={siteLabels}
      form={(props) => <SiteForm {...props} />}
      options={{ row: siteQuery(site.id).queryKey, list: ['sites'], same: (one) => one.id === site.id, read: () => readSite(site.id), write: changeSite }}
    />
  )
}

function Delete({ site }: { site: Site }) {
  const navigate = useNavigate()
  return (
    <DeleteRow
      may={useMay('operator')}
      what={site.name}
      remove={(how) => deleteSite(site, how)}
      leave={() => navigate({ to: '/sites' })}
      row={siteQuery(site.id).queryKey}
    />
  )
}

function Instruments({ id }: { id: number }) {
  const query = useInfiniteQuery(instrumentsQuery({ site_id: String(id) }))
  return (
    <DataTable
      label="Instruments"
      query={query}
      columns={columnsAtSite}
      rowKey={(one) => `${one.kind} ${one.id}`}
      empty={<Empty icon="instrument" title="No instruments stand here" />}
    />
  )
}
