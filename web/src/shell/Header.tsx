import { Box, Button, Kbd, UnstyledButton } from '@mantine/core'
import { lazy } from 'react'

import { Icon } from '../components/icons'
import { LazyBoundary } from '../components/LazyBoundary'
import { TextLink } from '../components/links'
import { ConnectionBadge } from '../live/ConnectionBadge'
import { SiteSwitch } from '../sites/SiteSwitch'
import classes from './Header.module.css'
import { NewMenu } from './NewMenu'
import { commandKey } from './shortcuts'

const AccountMenu = lazy(() => import('./AccountMenu').then((module) => ({ default: module.AccountMenu })))

interface Props {
  onSearch: () => void
  onScan: () => void
  onShowHelp: () => void
}

/** Header searches, scans, creates, chooses the site, and shows who is signed in. */
export function Header({ onSearch, onScan, onShowHelp }: Props) {
  return (
    <div className={classes.header}>
      <TextLink to="/" className={classes.brand} c="var(--heading)" underline="never">
        Labledger
      </TextLink>
      <UnstyledButton className={classes.search} aria-keyshortcuts="Control+K" onClick={onSearch}>
        <Icon name="search" size={16} />
        <span className={classes.searchText}>Search or jump to…</span>
        <Kbd size="xs" aria-hidden>
          {commandKey} K
        </Kbd>
      </UnstyledButton>
      <div className={classes.end}>
        <ConnectionBadge />
        <Box visibleFrom="sm">
          <SiteSwitch />
        </Box>
        <Button variant="default" leftSection={<Icon name="scan" size={16} />} visibleFrom="sm" onClick={onScan}>
          Scan
        </Button>
        <NewMenu />
        <LazyBoundary fallback={<Box w={30} />}>
          <AccountMenu onShowHelp={onShowHelp} />
        </LazyBoundary>
      </div>
    </div>
  )
}
