import { Box, Text, VisuallyHidden } from '@mantine/core'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useId } from 'react'

import { Icon } from '../components/icons'
import { MenuLink } from '../components/links'
import { StatusBadge } from '../components/StatusBadge'
import { hasRole, useSession } from '../session/api'
import { SiteSwitch } from '../sites/SiteSwitch'
import { useSummary } from '../summary/api'
import classes from './Menu.module.css'
import { type MenuItem, menuGroups } from './menu'
import { useShortcut } from './shortcuts'

/** Menu lists the screens in groups, with live counts. */
export function Menu() {
  const role = useSession()?.role
  return (
    <>
      <Box hiddenFrom="sm" p="xs">
        <SiteSwitch />
      </Box>
      {menuGroups.map(({ label, items }) => (
        <MenuGroup key={label} label={label} items={items.filter((item) => !item.role || hasRole(role, item.role))} />
      ))}
    </>
  )
}

function MenuGroup({ label, items }: { label: string; items: MenuItem[] }) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <Text id={id} className={classes.heading} component="h2">
        {label}
      </Text>
      {items.map((item) => (
        <MenuEntry key={item.to} item={item} />
      ))}
    </section>
  )
}

function MenuEntry({ item: { label, icon, to, hotkey, count, activePrefixes = [] } }: { item: MenuItem }) {
  const navigate = useNavigate()
  const { pathname } = useLocation()
  const { data: summary } = useSummary()
  useShortcut(`g ${hotkey}`, `Go to ${label}`, () => void navigate({ to }))
  const shownCount = summary && count?.(summary)
  return (
    <MenuLink
      to={to}
      label={label}
      leftSection={<Icon name={icon} />}
      rightSection={
        shownCount && (
          <StatusBadge tone={shownCount.tone}>
            <span aria-hidden={shownCount.description !== undefined}>{shownCount.text}</span>
            {shownCount.description && <VisuallyHidden>{shownCount.description}</VisuallyHidden>}
          </StatusBadge>
        )
      }
      activeOptions={{ exact: to === '/', includeSearch: false }}
      variant="light"
      active={activePrefixes.some((path) => pathname.startsWith(path)) || undefined}
      className={classes.entry}
    />
  )
}
