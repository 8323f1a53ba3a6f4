import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { ButtonLink } from '../components/links'
import { EmptyState } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { SegmentedButtons } from '../components/SegmentedButtons'
import { DataGrid } from '../grid/DataGrid'
import type { ListDefinition } from '../grid/types'
import { useGrid } from '../grid/useGrid'
import { computersList, freezersList, instrumentsList } from '../lists/instruments'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'

const kinds = [
  { value: undefined, label: 'All' },
  { value: 'freezer', label: 'Freezers' },
  { value: 'computer', label: 'Computers' },
]

// The page, the order and the columns of one list do not fit another.
const otherList = { after: undefined, before: undefined, page: undefined, sort: undefined, fields: undefined }

/** InstrumentsScreen lists freezers and computers, together or one kind of them. */
export function InstrumentsScreen() {
  const { kind, site_id } = useSearch({ strict: false })
  const canEdit = usePermission('operator')
  const navigate = useNavigate()
  useShortcut('n f', 'New freezer', () => void navigate({ to: '/freezers/new', search: { site_id } }), canEdit)
  useShortcut('n c', 'New computer', () => void navigate({ to: '/computers/new', search: { site_id } }), canEdit)
  const newButtons = canEdit && (
    <>
      <ButtonLink to="/freezers/new" search={{ site_id }}>
        New freezer
      </ButtonLink>
      <ButtonLink to="/computers/new" search={{ site_id }} variant="default">
        New computer
      </ButtonLink>
    </>
  )
  const showKind = (value: string | undefined) =>
    void navigate({ to: '.', search: (current) => ({ ...current, ...otherList, kind: value }), replace: true })
  const empty = <EmptyState icon="instrument" title="No instruments yet" actions={newButtons} />
  return (
    <Screen
      title="Instruments"
      actions={
        <>
          <SegmentedButtons label="Type" options={kinds} value={kind} onChange={showKind} />
          {newButtons}
        </>
      }
    >
      {kind === 'freezer' ? (
        <InstrumentGrid key="freezers" definition={freezersList} empty={empty} />
      ) : kind === 'computer' ? (
        <InstrumentGrid key="computers" definition={computersList} empty={empty} />
      ) : (
        <InstrumentGrid key="instruments" definition={instrumentsList} empty={empty} />
      )}
    </Screen>
  )
}

function InstrumentGrid<T extends object>({
  definition,
  empty,
}: {
  definition: ListDefinition<T>
  empty: ReactNode
}) {
  return <DataGrid grid={useGrid(definition)} empty={empty} />
}
