import { useSearch } from '@tanstack/react-router'

import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { ViewSwitch } from '../components/ViewSwitch'
import { DataGrid } from '../grid/DataGrid'
import { useGrid } from '../grid/useGrid'
import { eventsList } from '../lists/events'
import { EventLog } from './EventLog'

const views = [
  { value: undefined, label: 'Log' },
  { value: 'list', label: 'List' },
]

/** EventsScreen shows events as a live log or in a list with columns. */
export function EventsScreen() {
  const { view } = useSearch({ strict: false })
  return (
    <Screen title="Events" actions={<ViewSwitch views={views} />}>
      {view === 'list' ? <EventList /> : <EventLog />}
    </Screen>
  )
}

function EventList() {
  const grid = useGrid(eventsList)
  return <DataGrid grid={grid} empty={<EmptyState icon="event" title="No events yet" />} />
}
