import { AppShell, Group, Text } from '@mantine/core'
import { useDisclosure, useNetwork } from '@mantine/hooks'
import { Notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useLocation, useRouter } from '@tanstack/react-router'
import { lazy, useEffect, useState } from 'react'
import { flushSync } from 'react-dom'

import { Icon } from '../components/icons'
import { LazyBoundary, showLoadError } from '../components/LazyBoundary'
import { useLiveUpdates } from '../live/liveUpdates'
import { useScanner } from '../scan/useScanner'
import { SearchSpotlight } from '../search/SearchSpotlight'
import { spotlight } from '../search/spotlight'
import { useSession } from '../session/api'
import { useDensityAttribute } from '../settings/density'
import { headerHeight, menuWidth } from '../theme/theme'
import { BottomBar } from './BottomBar'
import { Header } from './Header'
import { Menu } from './Menu'
import classes from './Shell.module.css'
import { useShortcut, useShortcutListener } from './shortcuts'

const loadCodes = () => import('../scan/openCode')
const loadScan = () => import('../scan/ScanDialog').then((module) => ({ default: module.ScanDialog }))
const ScanDialog = lazy(loadScan)
const loadHelp = () => import('./ShortcutsHelp').then((module) => ({ default: module.ShortcutsHelp }))
const ShortcutsHelp = lazy(loadHelp)

/** Shell is the frame around every screen: header, menu, search, scanner and messages. */
export function Shell() {
  const session = useSession()
  const [isMenuOpen, { toggle: toggleMenu, close: closeMenu }] = useDisclosure()
  const [dialog, setDialog] = useState<'scan' | 'help'>()
  const { pathname } = useLocation()
  const hasAccess = Boolean(session?.signed_in || session?.open)
  useDensityAttribute()
  useEffect(closeMenu, [pathname, closeMenu])
  useEffect(() => {
    // Preloads the scans, so that they work at once.
    const timer = setTimeout(() => void loadCodes().catch(() => {}), 2000)
    return () => clearTimeout(timer)
  }, [])
  // Flushed, so that the next key goes to the field.
  const openSearch = () => flushSync(spotlight.open)
  const openScan = () => void loadScan().then(() => setDialog('scan'), showLoadError)
  const openHelp = () => void loadHelp().then(() => setDialog('help'), showLoadError)
  const closeDialog = () => setDialog(undefined)
  const context = { queryClient: useQueryClient(), router: useRouter() }
  // Before the shortcuts, which must not see the keys of a scan.
  useScanner(hasAccess, ({ typed, us }) => {
    setDialog(undefined)
    spotlight.close()
    void loadCodes().then(({ openCode }) => openCode([typed, us], context), showLoadError)
  })
  useShortcutListener()
  useShortcut('mod+k', 'Search', openSearch, hasAccess)
  useShortcut('/', 'Search', openSearch, hasAccess)
  useShortcut('?', 'Show keyboard shortcuts', openHelp)
  useLiveUpdates(hasAccess)
  return (
    <AppShell
      header={{ height: headerHeight, collapsed: !hasAccess }}
      navbar={{ width: menuWidth, breakpoint: 'sm', collapsed: { mobile: !isMenuOpen, desktop: !hasAccess } }}
      padding={{ base: 'sm', sm: 'md' }}
      className={classes.shell}
    >
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      {hasAccess && (
        <>
          <AppShell.Header>
            <Header
              onSearch={openSearch}
              onScan={openScan}
              onShowHelp={openHelp}
            />
          </AppShell.Header>
          <AppShell.Navbar
            component="nav"
            aria-label="Main menu"
            className={`${classes.menu} ${isMenuOpen ? '' : classes.menuClosed}`}
          >
            <Menu />
          </AppShell.Navbar>
          <BottomBar
            isMenuOpen={isMenuOpen}
            onToggleMenu={toggleMenu}
            onSearch={openSearch}
            onScan={openScan}
          />
        </>
      )}
      <AppShell.Main id="main" tabIndex={-1} className={hasAccess ? classes.main : undefined}>
        <OfflineBanner />
        <Outlet />
      </AppShell.Main>
      {hasAccess && <SearchSpotlight onScan={openScan} />}
      <Notifications position="bottom-right" limit={4} autoClose={5000} className={classes.notifications} />
      <LazyBoundary>
        {dialog === 'scan' && <ScanDialog onClose={closeDialog} />}
        {dialog === 'help' && <ShortcutsHelp onClose={closeDialog} />}
      </LazyBoundary>
    </AppShell>
  )
}

function OfflineBanner() {
  const { online: isOnline } = useNetwork()
  return (
    <div role="status">
      {!isOnline && (
        <Group gap="xs" mb="sm" className={classes.offline}>
          <Icon name="offline" />
          <Text size="sm">You are offline. Data may be out of date, and changes cannot be saved.</Text>
        </Group>
      )}
    </div>
  )
}
