import type { LinkProps } from '@tanstack/react-router'

import { formatTotal } from '../components/formatTotal'
import type { IconName } from '../components/icons'
import type { Role } from '../session/api'
import type { Summary } from '../summary/api'

/** MenuCount is the live number beside an item of the menu. */
export interface MenuCount {
  text: string
  tone: 'critical' | 'warning' | 'inactive'
  /** For screen readers: "4 critical". */
  description?: string
}

export interface MenuItem {
  label: string
  icon: IconName
  to: NonNullable<LinkProps['to']>
  /** The key that opens the screen after g. */
  hotkey: string
  /** The role that an item requires; the server enforces permissions. */
  role?: Role
  /** Path prefixes of other screens that highlight the item. */
  activePrefixes?: string[]
  /** The number beside the item, or undefined for none. */
  count?: (summary: Summary) => MenuCount | undefined
}

const total = (count: number, isEstimate = false): MenuCount => ({
  text: formatTotal({ count, isEstimate }),
  tone: 'inactive',
})

function countAlerts({ alerts_open, alerts_critical }: Summary): MenuCount | undefined {
  if (alerts_open === 0) return undefined
  const text = alerts_open.toLocaleString('en')
  return alerts_critical > 0
    ? { text, tone: 'critical', description: `${text} open, ${alerts_critical} critical` }
    : { text, tone: 'warning', description: `${text} open` }
}

function countTodos({ todos_open, todos_overdue }: Summary): MenuCount | undefined {
  if (todos_overdue > 0) return { text: `${todos_overdue.toLocaleString('en')} overdue`, tone: 'warning' }
  return todos_open > 0 ? total(todos_open) : undefined
}

function countCheckouts({ checkouts_open, checkouts_overdue }: Summary): MenuCount | undefined {
  const open = checkouts_open.toLocaleString('en')
  const overdue = checkouts_overdue.toLocaleString('en')
  if (checkouts_overdue > 0) return { text: `${overdue} overdue`, tone: 'critical', description: `${open}, ${overdue} overdue` }
  return checkouts_open > 0 ? total(checkouts_open) : undefined
}

/** menuGroups lists the items of the menu in order. The search (Cmd-K) lists them as well. */
export const menuGroups: { label: string; items: MenuItem[] }[] = [
  {
    label: 'Lab',
    items: [
      { label: 'Overview', icon: 'home', to: '/', hotkey: 'h' },
      { label: 'Alerts', icon: 'alert', to: '/alerts', hotkey: 'a', count: countAlerts },
      { label: 'Todos', icon: 'todo', to: '/todos', hotkey: 't', count: countTodos },
    ],
  },
  {
    label: 'Inventory',
    items: [
      {
        label: 'Containers',
        icon: 'container',
        to: '/containers',
        hotkey: 'c',
        count: ({ containers, containers_estimated }) => total(containers, containers_estimated),
      },
      { label: 'Checked out', icon: 'checkOut', to: '/checkouts', hotkey: 'k', count: countCheckouts },
      {
        label: 'Stock-takes',
        icon: 'stocktake',
        to: '/stocktakes',
        hotkey: 'x',
        count: ({ stocktakes_open }) => (stocktakes_open > 0 ? total(stocktakes_open) : undefined),
      },
      {
        label: 'Storage',
        icon: 'storage',
        to: '/storage',
        hotkey: 'o',
        activePrefixes: ['/freezers/'],
        count: ({ freezers }) => total(freezers),
      },
      {
        label: 'Instruments',
        icon: 'instrument',
        to: '/instruments',
        hotkey: 'i',
        activePrefixes: ['/computers/'],
        count: ({ freezers, computers }) => total(freezers + computers),
      },
      { label: 'Sites', icon: 'site', to: '/sites', hotkey: 's', count: ({ sites }) => total(sites) },
    ],
  },
  {
    label: 'Records',
    items: [
      { label: 'Events', icon: 'event', to: '/events', hotkey: 'e' },
      { label: 'Rules', icon: 'rule', to: '/rules', hotkey: 'r' },
      { label: 'Activity', icon: 'history', to: '/activity', hotkey: 'y' },
      { label: 'Import', icon: 'import', to: '/import', hotkey: 'm', role: 'operator' },
    ],
  },
  {
    label: 'Admin',
    items: [
      { label: 'Users', icon: 'users', to: '/users', hotkey: 'u', role: 'admin', count: ({ users }) => total(users) },
      { label: 'Settings', icon: 'settings', to: '/settings', hotkey: ',' },
    ],
  },
]

export const menuItems: MenuItem[] = menuGroups.flatMap(({ items }) => items)
