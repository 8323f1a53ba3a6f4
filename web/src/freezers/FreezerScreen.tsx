import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'

import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { containersQuery } from '../containers/api'
import { columnsInFreezer } from '../containers/columns'
import { DataTable } from '../components/DataTable'
import { DeleteRow } from '../components/DeleteButton'
import { ButtonLink, TextLink } from '../components/links'
import { RowDetails } from '../components/RowDetails'
import { Screen } from '../components/Screen'
import { named } from '../components/formatValue'
import { Empty } from '../components/placeholders'
import { Shown } from '../components/QueryBoundary'
import { Part } from '../components/Section'
import { useMay } from '../session/api'
import { SiteLink, useSiteNames } from '../sites/SiteLink'
import { TodosAbout } from '../todos/LinkedTodos'
import { changeFreezer, deleteFreezer, type Freezer, type FreezerFields, freezerHistory, freezerLabels, freezerQuery, readFreezer } from './api'
import { FreezerForm } from './FreezerForm'

/** FreezerScreen shows a freezer and what it keeps. */
export function FreezerScreen() {
  const { id: text } = useParams({ from: '/freezers/$id' })
  const id = Number(text)
  const query = useQuery(freezerQuery(id))
  const siteName = useSiteNames()
  return (
    <Screen title={query.data?.name ?? `Freezer ${text}`} above={<TextLink to="/instruments">Instruments</TextLink>} actions={query.data && <Delete freezer={query.data} />}>
      <Shown query={query}>
        {(freezer) => (
          <>
            <Details key={id} freezer={freezer} />
            <Containers id={id} />
            <TodosAbout thing={{ freezer_id: id }} />
            <Part title="Files" id="files">
              <Attachments of={{ freezer_id: id }} />
            </Part>
            <Part title="History" id="history">
              <ChangeList queryKey={['freezer', id, 'history']} read={freezerHistory(id)} labels={freezerLabels} tell={named('site_id', siteName)} />
            </Part>
          </>
        )}
      </Shown>
    </Screen>
  )
}

function Details({ freezer }: { freezer: Freezer }) {
  return (
    <RowDetails<Freezer, FreezerFields>
      row={freezer}
      may={useMay('operator')}
      labels={freezerLabels}
      tell={named('site_id', useSiteNames())}
      cells={{ site_id: <SiteLink id={freezer.site_id} /> }}
      form={(props) => <FreezerForm {...props} />}
      options={{
        row: freezerQuery(freezer.id).queryKey,
        list: ['freezers'],
        same: (one) => one.id === freezer.id,
        read: () => readFreezer(freezer.id),
        write: changeFreezer,
      }}
    />
  )
}

function Containers({ id }: { id: number }) {
  const query = useInfiniteQuery(containersQuery({ freezer_id: String(id) }))
  const fresh = useMay('operator') && (
    <ButtonLink to="/containers/new" search={{ freezer_id: String(id) }} variant="default">
      New container
    </ButtonLink>
  )
  return (
    <Part title="Containers" id="containers" actions={fresh}>
      <DataTable label="Containers" query={query} columns={columnsInFreezer} rowKey={(one) => one.uuid} empty={<Empty icon="container" title="It is empty" />} />
    </Part>
  )
}

function Delete({ freezer }: { freezer: Freezer }) {
  const navigate = useNavigate()
  return (
    <DeleteRow
      may={useMay('operator')}
      what={freezer.name}
      remove={(how) => deleteFreezer(freezer, how)}
      leave={() => navigate({ to: '/instruments' })}
      row={freezerQuery(freezer.id).queryKey}
    />
  )
}
