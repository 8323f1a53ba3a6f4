import { ActionIcon, Button, Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'

import { Icon, type IconName } from '../components/icons'
import { DataGrid } from '../grid/DataGrid'
import type { GridActions } from '../grid/useGridState'
import type { Grid } from '../grid/useGrid'
import { usePermission } from '../session/api'
import { checkoutName, type CheckoutRow } from './api'
import { BarcodesOf } from './barcodes'
import { CheckInButton } from './CheckInButton'
import { type CustodyDialogName, OpenDialog } from './CustodyActions'
import { useOwnUsername } from './dialogs'

interface Props {
  grid: Grid<CheckoutRow>
  empty: ReactNode
  hasQuickFilters?: boolean
}

/** CheckoutsGrid is a list of check-outs with what can be done with those that are open. */
export function CheckoutsGrid({ grid, empty, hasQuickFilters = false }: Props) {
  const canEdit = usePermission('operator')
  return (
    <BarcodesOf rows={grid.rows}>
      <DataGrid
        grid={grid}
        empty={empty}
        quickFilters={hasQuickFilters && <QuickFilters actions={grid.actions} />}
        rowActions={
          canEdit
            ? {
                header: 'Actions',
                width: 11,
                render: (row) => row.returned_at === null && <CheckoutRowActions row={row} />,
              }
            : undefined
        }
      />
    </BarcodesOf>
  )
}

function QuickFilters({ actions: { setFilters } }: { actions: GridActions }) {
  const username = useOwnUsername()
  const none = { open: undefined, overdue: undefined, holder: undefined }
  return (
    <>
      <Button variant="subtle" onClick={() => setFilters({ ...none, open: 'true' })}>
        Open
      </Button>
      <Button variant="subtle" onClick={() => setFilters({ ...none, overdue: 'true' })}>
        Overdue
      </Button>
      {username && (
        <Button variant="subtle" onClick={() => setFilters({ ...none, open: 'true', holder: username })}>
          Mine
        </Button>
      )}
      <Button variant="subtle" onClick={() => setFilters(none)}>
        All
      </Button>
    </>
  )
}

function CheckoutRowActions({ row }: { row: CheckoutRow }) {
  const [dialog, setDialog] = useState<CustodyDialogName>()
  const container = { uuid: row.container_uuid, name: checkoutName(row) }
  return (
    <Group gap={4} wrap="nowrap">
      <CheckInButton container={container} variant="default" />
      <RowAction label="Hand over" icon="user" name={container.name} onClick={() => setDialog('handOver')} />
      <RowAction label="Change due date" icon="clock" name={container.name} onClick={() => setDialog('terms')} />
      <OpenDialog name={dialog} container={container} checkout={row} onClose={() => setDialog(undefined)} />
    </Group>
  )
}

interface RowActionProps {
  label: string
  icon: IconName
  /** What people call the container. */
  name: string
  onClick: () => void
}

function RowAction({ label, icon, name, onClick }: RowActionProps) {
  return (
    <ActionIcon variant="default" aria-label={`${label}: ${name}`} title={label} onClick={onClick}>
      <Icon name={icon} size={16} />
    </ActionIcon>
  )
}
