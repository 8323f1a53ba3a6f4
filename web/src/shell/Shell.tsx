import {
  ActionIcon,
  AppShell,
  Box,
  Burger,
  Button,
  Group,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { lazy, useEffect, useState } from 'react'

import { Icon } from '../components/icons'
import { LazyBoundary, showLoadError } from '../components/LazyBoundary'
import { MenuLink, TextLink } from '../components/links'
import { ToastContainer } from '../components/toast'
import { ConnectionBadge } from '../live/ConnectionBadge'
import { useLiveUpdates } from '../live/liveUpdates'
import { useScanner } from '../scan/useScanner'
import { startTypeAhead, takeTypeAhead } from '../search/typeAhead'
import { hasRole, useSession } from '../session/api'
import { menuItems } from './menu'
import classes from './Shell.module.css'
import { useShortcut, useShortcutListener } from './shortcuts'
import { headerHeight } from './theme'

const AccountMenu = lazy(() => import('./AccountMenu').then((module) => ({ default: module.AccountMenu })))
const loadSearch = () => import('../search/SearchDialog').then((module) => ({ default: module.SearchDialog }))
const SearchDialog = lazy(loadSearch)
const loadScan = () => import('../scan/openCode')
const loadHelp = () => import('./ShortcutsHelp').then((module) => ({ default: module.ShortcutsHelp }))
const ShortcutsHelp = lazy(loadHelp)

/** Shell is the frame around every screen: header, menu, search, account menu and connection status. */
export function Shell() {
  const session = useSession()
  const [isMenuOpen, { toggle: toggleMenu, close: closeMenu }] = useDisclosure()
  const [dialog, setDialog] = useState<'search' | 'help'>()
  const { pathname } = useLocation()
  const hasAccess = Boolean(session?.signed_in || session?.open)
  useEffect(closeMenu, [pathname, closeMenu])
  useEffect(() => {
    // Preloads the search and the scans, so that they open at once, also without a connection.
    const timer = setTimeout(() => void Promise.allSettled([loadSearch(), loadScan()]), 2000)
    return () => clearTimeout(timer)
  }, [])
  const openSearch = async () => {
    if (dialog === 'search') return
    const cancelSignal = startTypeAhead()
    try {
      await loadSearch()
      if (!cancelSignal.aborted) setDialog('search')
    } catch {
      takeTypeAhead()
      showLoadError()
    }
  }
  const openHelp = () => void loadHelp().then(() => setDialog('help'), showLoadError)
  const context = { queryClient: useQueryClient(), router: useRouter() }
  // Before the shortcuts, which must not see the keys of a scan.
  useScanner(hasAccess, ({ typed, us }) => {
    setDialog(undefined)
    void loadScan().then(({ openCode }) => openCode([typed, us], context), showLoadError)
  })
  useShortcutListener()
  useShortcut('mod+k', 'Search', () => void openSearch(), hasAccess)
  useShortcut('/', 'Search', () => void openSearch(), hasAccess)
  useShortcut('?', 'Show keyboard shortcuts', openHelp)
  useLiveUpdates(hasAccess)
  return (
    <AppShell
      header={{ height: headerHeight }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isMenuOpen, desktop: !hasAccess } }}
      padding="md"
    >
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="xs" wrap="nowrap">
          {hasAccess && (
            <Burger
              opened={isMenuOpen}
              onClick={toggleMenu}
              hiddenFrom="sm"
              size="sm"
              aria-label={isMenuOpen ? 'Close menu' : 'Open menu'}
              aria-expanded={isMenuOpen}
            />
          )}
          <TextLink to="/" fw={700} c="inherit" underline="never">
            Labledger
          </TextLink>
          <Group gap="xs" ml="auto" wrap="nowrap">
            {hasAccess && <ConnectionBadge />}
            {hasAccess && (
              <Button
                variant="default"
                leftSection={<Icon name="search" size={16} />}
                visibleFrom="xs"
                onClick={() => void openSearch()}
              >
                Search
              </Button>
            )}
            {hasAccess && (
              <ActionIcon
                variant="default"
                size="lg"
                hiddenFrom="xs"
                aria-label="Search"
                onClick={() => void openSearch()}
              >
                <Icon name="search" />
              </ActionIcon>
            )}
            <ActionIcon variant="default" size="lg" visibleFrom="xs" aria-label="Keyboard shortcuts" onClick={openHelp}>
              <Icon name="keyboard" />
            </ActionIcon>
            <ColorSchemeToggle />
            {hasAccess && (
              <LazyBoundary fallback={<Box w={34} />}>
                <AccountMenu />
              </LazyBoundary>
            )}
          </Group>
        </Group>
      </AppShell.Header>
      {hasAccess && (
        <AppShell.Navbar p="xs" aria-label="Main menu" className={isMenuOpen ? undefined : classes.menuClosed}>
          {menuItems.map(({ label, icon, to, hotkey, role, activePrefixes = [] }) =>
            role && !hasRole(session?.role, role) ? null : (
              <MenuEntry
                key={to}
                label={label}
                icon={icon}
                to={to}
                hotkey={hotkey}
                active={activePrefixes.some((path) => pathname.startsWith(path)) || undefined}
              />
            ),
          )}
        </AppShell.Navbar>
      )}
      <AppShell.Main id="main" tabIndex={-1}>
        <OfflineBanner />
        <Outlet />
      </AppShell.Main>
      <ToastContainer />
      <LazyBoundary>
        {dialog === 'search' && <SearchDialog onClose={() => setDialog(undefined)} />}
        {dialog === 'help' && <ShortcutsHelp onClose={() => setDialog(undefined)} />}
      </LazyBoundary>
    </AppShell>
  )
}

type MenuEntryProps = Pick<(typeof menuItems)[number], 'label' | 'icon' | 'to'> & {
  hotkey: string
  active: boolean | undefined
}

function MenuEntry({ label, icon, to, hotkey, active }: MenuEntryProps) {
  const navigate = useNavigate()
  useShortcut(`g ${hotkey}`, `Go to ${label}`, () => void navigate({ to }))
  return (
    <MenuLink
      to={to}
      label={label}
      leftSection={<Icon name={icon} />}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      variant="light"
      active={active}
    />
  )
}

function ColorSchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={isDark ? 'Light theme' : 'Dark theme'}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      <Icon name={isDark ? 'sun' : 'moon'} />
    </ActionIcon>
  )
}

function OfflineBanner() {
  const [isOnline, setIsOnline] = useState(navigator.onLine)
  useEffect(() => {
    const update = () => setIsOnline(navigator.onLine)
    addEventListener('online', update)
    addEventListener('offline', update)
    return () => {
      removeEventListener('online', update)
      removeEventListener('offline', update)
    }
  }, [])
  return (
    <div role="status">
      {!isOnline && (
        <Group gap="xs" mb="md" p="xs" bd="1px solid var(--mantine-color-default-border)" bdrs="md">
          <Icon name="offline" />
          <Text size="sm">You are offline. Data may be out of date, and changes cannot be saved.</Text>
        </Group>
      )}
    </div>
  )
}
