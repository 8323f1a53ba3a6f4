import { AppShell, Group, Text } from '@mantine/core'
import { useDisclosure, useNetwork } from '@mantine/hooks'
import { Notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { lazy, useEffect, useState } from 'react'
import { flushSync } from 'react-dom'

import { useAsOf } from '../asOf/asOf'
import { Icon } from '../components/icons'
import { LazyBoundary, showLoadError } from '../components/LazyBoundary'
import { focusToast } from '../components/toast'
import { useLiveUpdates } from '../live/liveUpdates'
import { currentScanHandler } from '../scan/scanHandler'
import { useScanner } from '../scan/useScanner'
import { hasStoredEntries } from '../scanMode/entryStorage'
import { SearchSpotlight } from '../search/SearchSpotlight'
import { spotlight } from '../search/spotlight'
import { useSession } from '../session/api'
import { ReadOnlyContext } from '../session/readOnly'
import { useDensityAttribute } from '../settings/density'
import { headerHeight, menuWidth } from '../theme/theme'
import { BottomBar } from './BottomBar'
import { Header } from './Header'
import { Menu } from './Menu'
import classes from './Shell.module.css'
import { useShortcut, useShortcutListener } from './shortcuts'

const loadCodes = () => import('../scan/openCode')
const loadQueues = () => import('../scanMode/scanQueues')
const loadHelp = () => import('./ShortcutsHelp').then((module) => ({ default: module.ShortcutsHelp }))
const ShortcutsHelp = lazy(loadHelp)

/** Shell is the frame around every screen: header, menu, search, scanner and messages. */
export function Shell() {
  const session = useSession()
  const [isMenuOpen, { toggle: toggleMenu, close: closeMenu }] = useDisclosure()
  const [isHelpOpen, setIsHelpOpen] = useState(false)
  const navigate = useNavigate()
  const { pathname } = useLocation()
  const hasAccess = Boolean(session?.signed_in || session?.open)
  const hasFrame = hasAccess && pathname !== '/scan' // scan mode needs the whole screen
  useDensityAttribute()
  useEffect(closeMenu, [pathname, closeMenu])
  useEffect(() => {
    // Preloads the scans, so that they work at once.
    const timer = setTimeout(() => void loadCodes().catch(() => {}), 2000)
    return () => clearTimeout(timer)
  }, [])
  // Flushed, so that the next key goes to the field.
  const openSearch = () => flushSync(spotlight.open)
  const openScan = () => void navigate({ to: '/scan' })
  const openHelp = () => void loadHelp().then(() => setIsHelpOpen(true), showLoadError)
  const context = { queryClient: useQueryClient(), router: useRouter() }
  // Before the shortcuts, which must not see the keys of a scan.
  useScanner(hasAccess, ({ typed, us }) => {
    setIsHelpOpen(false)
    spotlight.close()
    const handleScan = currentScanHandler()
    if (handleScan) return handleScan({ typed, us })
    void loadCodes().then(({ openCode }) => openCode([typed, us], context), showLoadError)
  })
  useShortcutListener()
  useShortcut('mod+k', 'Search', openSearch, hasAccess)
  useShortcut('/', 'Search', openSearch, hasAccess)
  useShortcut('?', 'Show keyboard shortcuts', openHelp)
  useShortcut('t', 'Go to Undo in the newest message', focusToast, hasAccess)
  useLiveUpdates(hasAccess)
  useWaitingScans(session && hasAccess ? (session.username ?? '') : undefined)
  return (
    <AppShell
      header={{ height: headerHeight, collapsed: !hasFrame }}
      navbar={{ width: menuWidth, breakpoint: 'sm', collapsed: { mobile: !isMenuOpen, desktop: !hasFrame } }}
      padding={{ base: 'sm', sm: 'md' }}
      className={classes.shell}
    >
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      {hasFrame && (
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
      <AppShell.Main id="main" tabIndex={-1} className={hasFrame ? classes.main : undefined}>
        {pathname !== '/scan' && <OfflineBanner />} {/* scan mode saves changes later */}
        <ReadOnlyContext value={useAsOf() !== undefined}>
          <Outlet />
        </ReadOnlyContext>
      </AppShell.Main>
      {hasAccess && <SearchSpotlight onScan={openScan} />}
      <Notifications position="bottom-right" limit={4} autoClose={5000} className={classes.notifications} />
      <LazyBoundary>
        {isHelpOpen && <ShortcutsHelp onClose={() => setIsHelpOpen(false)} />}
      </LazyBoundary>
    </AppShell>
  )
}

/** useWaitingScans sends the scans that waited for the network when the app was closed, and stops at the sign-out. */
function useWaitingScans(user: string | undefined) {
  const queryClient = useQueryClient()
  useEffect(() => {
    if (!hasStoredEntries()) return
    void loadQueues().then(({ startQueue, stopQueue }) => {
      if (user === undefined) stopQueue()
      else startQueue(user, queryClient)
    }, showLoadError)
  }, [user, queryClient])
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
