import { Button, Card, SimpleGrid, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'

import type { Schemas } from '../api/client'
import { useRowEdit } from '../api/edit'
import { Attachments } from '../attachments/Attachments'
import { ChangeList } from '../changes/ChangeList'
import { InstrumentLink } from '../instruments/InstrumentLink'
import { ConflictDialog } from '../parts/ConflictDialog'
import { type Column, DataTable } from '../parts/DataTable'
import { DeleteDialog } from '../parts/DeleteDialog'
import { changed } from '../parts/form'
import { TextLink } from '../parts/links'
import { Screen } from '../parts/Screen'
import { shown } from '../parts/shown'
import { Empty, Part, Shown } from '../parts/states'
import { toast } from '../parts/toast'
import { useMay } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { changeSite, deleteSite, readSite, type Site, siteFields, siteHistory, siteInstruments, siteLabels, siteQuery } from './api'
import { SiteForm } from './SiteForm'

/** SiteScreen shows a site and all that belongs to it. */
export function SiteScreen() {
  const { id: text } = useParams({ from: '/sites/$id' })
  const id = Number(text)
  const query = useQuery(siteQuery(id))
  return (
    <Screen title={query.data?.name ?? `Site ${text}`} above={<TextLink to="/sites">Sites</TextLink>} actions={query.data && <DeleteSite site={query.data} />}>
      <Shown query={query}>
        {(site) => (
          <>
            <Details key={site.id} site={site} />
            <Part title="Instruments" id="instruments">
              <Instruments id={id} />
            </Part>
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

/** Details are the site's own fields, to read or to edit. What is saved shows at once; if it is refused, the form is back with what one typed. */
function Details({ site }: { site: Site }) {
  const may = useMay('operator')
  const [base, setBase] = useState<Site>() // the site as it was when one began to edit
  const button = useRef<HTMLButtonElement>(null)
  const edit = useRowEdit<Site>({
    row: siteQuery(site.id).queryKey,
    list: ['sites'],
    same: (one) => one.id === site.id,
    read: () => readSite(site.id),
    write: changeSite,
    saved: () => toast('Saved'),
  })
  const begin = () => {
    if (!edit.saving) setBase(site)
  }
  const end = () => {
    setBase(undefined)
    edit.drop()
  }
  const save = (from: Site, changes: Partial<Site>) => {
    end()
    if (Object.keys(changes).length > 0) edit.save(from, changes)
  }
  useShortcut('e', 'Edit', begin, may && !base)
  const { refused, conflict } = edit
  const editing = refused?.base ?? base
  const edited = useRef(false)
  useEffect(() => {
    if (edited.current && !editing) button.current?.focus() // where one came from
    edited.current = Boolean(editing)
  }, [editing])
  return (
    <Part
      title="Details"
      id="details"
      actions={
        may &&
        !editing && (
          <Button ref={button} variant="default" onClick={begin} aria-disabled={edit.saving}>
            {edit.saving ? 'Saving…' : 'Edit'}
          </Button>
        )
      }
    >
      <Card withBorder>
        {editing ? (
          <SiteForm
            start={{ ...editing, ...refused?.changes }}
            problem={refused?.problem}
            submit={(fields) => save(editing, changed(editing, fields))}
            cancel={end}
          />
        ) : (
          <SimpleGrid component="dl" cols={{ base: 1, sm: 2 }} m={0}>
            {siteFields.map((name) => (
              <div key={name}>
                <Text component="dt" size="sm" c="dimmed">
                  {siteLabels[name]}
                </Text>
                <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>
                  {shown(site[name])}
                </Text>
              </div>
            ))}
          </SimpleGrid>
        )}
      </Card>
      {conflict && <ConflictDialog conflict={conflict} labels={siteLabels} keep={save} cancel={end} />}
    </Part>
  )
}

function DeleteSite({ site }: { site: Site }) {
  const [asking, ask] = useState(false)
  const may = useMay('operator')
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  if (!may) return null
  return (
    <>
      <Button variant="default" onClick={() => ask(true)}>
        Delete
      </Button>
      {asking && (
        <DeleteDialog
          what={site.name}
          remove={(how) => deleteSite(site, how)}
          deleted={() => {
            toast(`${site.name} is deleted`)
            void navigate({ to: '/sites' }).then(() => {
              queryClient.removeQueries({ queryKey: ['site', site.id] })
              void queryClient.invalidateQueries({ queryKey: ['sites'] })
            })
          }}
          close={() => ask(false)}
        />
      )}
    </>
  )
}

const instrumentColumns: Column<Schemas['Instrument']>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (one) => one.name,
    cell: ({ freezer_id, computer_id, name }) => <InstrumentLink kind={freezer_id === null ? 'computer' : 'freezer'} id={freezer_id ?? computer_id ?? 0} name={name} />,
  },
  { id: 'kind', header: 'Kind', value: (one) => (one.freezer_id === null ? 'Computer' : 'Freezer') },
]

function Instruments({ id }: { id: number }) {
  const query = useInfiniteQuery(siteInstruments(id))
  return (
    <DataTable
      label="Instruments"
      query={query}
      columns={instrumentColumns}
      rowKey={(one) => `${one.freezer_id ?? ''}/${one.computer_id ?? ''}`}
      empty={<Empty icon="instrument" title="No instruments stand here" />}
    />
  )
}
