import { Button, Group, Menu } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { toProblem } from '../api/problem'
import { Icon, type IconName } from '../components/icons'
import { MoreMenu } from '../components/MoreMenu'
import { toast } from '../components/toast'
import { type Container, containerTitle } from '../containers/api'
import { useObjectActions } from '../search/useObjectActions'
import { usePermission } from '../session/api'
import { useShortcut } from '../shell/shortcuts'
import { type Checkout, markFound, openCheckoutQuery } from './api'
import { CheckOutDialog, EndingDialog, HandOverDialog, type HeldContainer, TermsDialog, UseDialog } from './dialogs'
import { useCheckIn } from './useCheckIn'
import { useCustodyMutation } from './useCustodyMutation'

/** CustodyDialogName names a dialog of custody. */
export type CustodyDialogName = 'checkOut' | 'use' | 'handOver' | 'terms' | 'lost' | 'discard'

interface Action {
  label: string
  icon: IconName
  run: () => void
  /** A dialog asks before the action writes. */
  hasDialog?: boolean
  isDestructive?: boolean
}

/** CustodyActions are the button and the menu for what can be done with a container: it is checked out, in, … */
export function CustodyActions({ container }: { container: Container }) {
  const canEdit = usePermission('operator')
  return canEdit ? <Actions container={container} /> : null
}

function Actions({ container }: { container: Container }) {
  const { status } = container
  const held: HeldContainer = { ...container, name: containerTitle(container) }
  const [dialog, setDialog] = useState<CustodyDialogName>()
  const { data: checkout } = useQuery({ ...openCheckoutQuery(held.uuid), enabled: status === 'checked_out' })
  const { checkIn, isPending } = useCheckIn(held)
  const found = useFound(held)
  const open = (name: CustodyDialogName) => () => setDialog(name)
  const endings: Action[] = [
    { label: 'Mark as missing…', icon: 'search', run: open('lost'), hasDialog: true },
    { label: 'Discard…', icon: 'delete', run: open('discard'), hasDialog: true, isDestructive: true },
  ]
  const actionsByStatus: Record<string, Action[]> = {
    stored: [{ label: 'Check out…', icon: 'checkOut', run: open('checkOut'), hasDialog: true }, ...endings],
    checked_out: [
      { label: 'Check in', icon: 'checkIn', run: checkIn },
      { label: 'Check in with quantity…', icon: 'checkIn', run: open('use'), hasDialog: true },
      { label: 'Hand over…', icon: 'user', run: open('handOver'), hasDialog: true },
      { label: 'Change due date…', icon: 'clock', run: open('terms'), hasDialog: true },
      ...endings,
    ],
    missing: [{ label: 'Mark as found', icon: 'check', run: found.mark }, ...endings.slice(1)],
    discarded: [{ label: 'Restore', icon: 'undo', run: found.mark }],
  }
  const actions = actionsByStatus[status] ?? []
  useObjectActions(actions.filter(({ hasDialog }) => hasDialog))
  useShortcut('o', 'Check out or in', () => (actions.find(({ hasDialog }) => hasDialog) ?? actions[0])?.run(), isCustody(status))
  const [first, ...others] = actions
  if (!first) return null
  return (
    <>
      <Group gap={4} wrap="nowrap">
        <Button variant="default" leftSection={<Icon name={first.icon} size={16} />} loading={isPending} onClick={first.run}>
          {first.label.replace('…', '')}
        </Button>
        {others.length > 0 && <CustodyMenu actions={others} />}
      </Group>
      <OpenDialog name={dialog} container={held} checkout={checkout ?? undefined} onClose={() => setDialog(undefined)} />
    </>
  )
}

/** isCustody reports whether a container can be checked out or in. */
const isCustody = (status: string) => status === 'stored' || status === 'checked_out'

function useFound({ uuid, name }: HeldContainer) {
  const { mutate } = useCustodyMutation((uuid: string, key: string) => markFound(uuid, key))
  const mark = () =>
    mutate(uuid, {
      onSuccess: () => toast(`${name} is in place again`),
      onError: (error) => toast(toProblem(error).message, 'error'),
    })
  return { mark }
}

function CustodyMenu({ actions }: { actions: Action[] }) {
  return (
    <MoreMenu label="More custody actions">
      {actions.map(({ label, icon, run, isDestructive }) => (
        <Menu.Item
          key={label}
          leftSection={<Icon name={icon} size={16} />}
          c={isDestructive ? 'var(--critical)' : undefined}
          onClick={run}
        >
          {label}
        </Menu.Item>
      ))}
    </MoreMenu>
  )
}

interface OpenDialogProps {
  name: CustodyDialogName | undefined
  container: HeldContainer
  /** The open check-out, once it is loaded. */
  checkout: Checkout | undefined
  onClose: () => void
}

/** OpenDialog shows one dialog of custody, or none. */
export function OpenDialog({ name, container, checkout, onClose }: OpenDialogProps): ReactNode {
  const props = { container, onClose }
  switch (name) {
    case 'checkOut':
      return <CheckOutDialog {...props} />
    case 'use':
      return <UseDialog {...props} />
    case 'handOver':
      return checkout && <HandOverDialog {...props} checkout={checkout} />
    case 'terms':
      return checkout && <TermsDialog {...props} checkout={checkout} />
    case 'lost':
    case 'discard':
      return <EndingDialog {...props} ending={name} />
    default:
      return null
  }
}
