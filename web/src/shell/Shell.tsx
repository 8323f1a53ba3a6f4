import { ActionIcon, AppShell, Box, Burger, Button, Group, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router'
import { lazy, useEffect, useState } from 'react'

import { useLiveCaches } from '../live/liveUpdates'
import { LiveSign } from '../live/ConnectionBadge'
import { Icon } from '../components/icons'
import { Later, sayUnloaded } from '../components/LazyBoundary'
import { MenuLink, TextLink } from '../components/links'
import { Toasts } from '../components/toast'
import { typeAhead, typedAhead } from '../search/typeAhead'
import { includes, useSession } from '../session/api'
import { menu } from './menu'
import style from './Shell.module.css'
import { useKeyboard, useShortcut } from './shortcuts'
import { headerHeight } from './theme'

const AccountMenu = lazy(() => import('./AccountMenu').then((module) => ({ default: module.AccountMenu })))
const loadSearch = () => import('../search/SearchDialog').then((module) => ({ default: module.SearchDialog }))
const SearchDialog = lazy(loadSearch)
const loadHelp = () => import('./ShortcutsHelp').then((module) => ({ default: module.ShortcutsHelp }))
const ShortcutsHelp = lazy(loadHelp)

/** Shell stands around every screen: the menu, the search, who one is, and what the connection does. */
export function Shell() {
  const session = useSession()
  const [opened, { toggle, close }] = useDisclosure()
  const [dialog, setDialog] = useState<'search' | 'help'>()
  const { pathname } = useLocation()
  const inside = Boolean(session?.signed_in || session?.open)
  useEffect(close, [pathname, close])
  useEffect(() => {
    const timer = setTimeout(() => void loadSearch().catch(() => {}), 2000) // so that it opens at once, for people who type at once
    return () => clearTimeout(timer)
  }, [])
  const search = async () => {
    if (dialog === 'search') return
    const given = typeAhead()
    try {
      await loadSearch()
      if (!given.aborted) setDialog('search')
    } catch {
      typedAhead()
      sayUnloaded()
    }
  }
  const help = () => void loadHelp().then(() => setDialog('help'), sayUnloaded)
  useKeyboard()
  useShortcut('mod+k', 'Search', () => void search(), inside)
  useShortcut('/', 'Search', () => void search(), inside)
  useShortcut('?', 'Show the keys', help)
  useLiveCaches(inside)
  return (
    <AppShell header={{ height: headerHeight }} navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened, desktop: !inside } }} padding="md">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="xs" wrap="nowrap">
          {inside && <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={opened ? 'Close the menu' : 'Open the menu'} aria-expanded={opened} />}
          <TextLink to="/" fw={700} c="inherit" underline="never">
            Labledger
          </TextLink>
          <Group gap="xs" ml="auto" wrap="nowrap">
            {inside && <LiveSign />}
            {inside && (
              <Button variant="default" leftSection={<Icon name="search" size={16} />} visibleFrom="xs" onClick={() => void search()}>
                Search
              </Button>
            )}
            {inside && (
              <ActionIcon variant="default" size="lg" hiddenFrom="xs" aria-label="Search" onClick={() => void search()}>
                <Icon name="search" />
              </ActionIcon>
            )}
            <ActionIcon variant="default" size="lg" visibleFrom="xs" aria-label="Keyboard" onClick={help}>
              <Icon name="keyboard" />
            </ActionIcon>
            <SchemeToggle />
            {inside && (
              <Later fallback={<Box w={34} />}>
                <AccountMenu />
              </Later>
            )}
          </Group>
        </Group>
      </AppShell.Header>
      {inside && (
        <AppShell.Navbar p="xs" aria-label="Screens" className={opened ? undefined : style.closed}>
          {menu.map(({ label, icon, to, key, role, also = [] }) =>
            role && !includes(session?.role, role) ? null : (
              <MenuEntry key={to} label={label} icon={icon} to={to} hotkey={key} active={also.some((path) => pathname.startsWith(path)) || undefined} />
            ),
          )}
        </AppShell.Navbar>
      )}
      <AppShell.Main id="main" tabIndex={-1}>
        <OfflineBanner />
        <Outlet />
      </AppShell.Main>
      <Toasts />
      <Later>
        {dialog === 'search' && <SearchDialog close={() => setDialog(undefined)} />}
        {dialog === 'help' && <ShortcutsHelp close={() => setDialog(undefined)} />}
      </Later>
    </AppShell>
  )
}

type EntryProps = Pick<(typeof menu)[number], 'label' | 'icon' | 'to'> & { hotkey: string; active: boolean | undefined }

function MenuEntry({ label, icon, to, hotkey, active }: EntryProps) {
  const navigate = useNavigate()
  useShortcut(`g ${hotkey}`, `Go to ${label}`, () => void navigate({ to }))
  return <MenuLink to={to} label={label} leftSection={<Icon name={icon} />} activeOptions={{ exact: to === '/', includeSearch: false }} variant="light" active={active} />
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  return (
    <ActionIcon variant="default" size="lg" aria-label={dark ? 'Light colours' : 'Dark colours'} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
      <Icon name={dark ? 'sun' : 'moon'} />
    </ActionIcon>
  )
}

function OfflineBanner() {
  const [online, setOnline] = useState(navigator.onLine)
  useEffect(() => {
    const look = () => setOnline(navigator.onLine)
    addEventListener('online', look)
    addEventListener('offline', look)
    return () => {
      removeEventListener('online', look)
      removeEventListener('offline', look)
    }
  }, [])
  return (
    <div role="status">
      {!online && (
        <Group gap="xs" mb="md" p="xs" bd="1px solid var(--mantine-color-default-border)" bdrs="md">
          <Icon name="offline" />
          <Text size="sm">You are offline. What you see may be old, and nothing can be saved.</Text>
        </Group>
      )}
    </div>
  )
}
