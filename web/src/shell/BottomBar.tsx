import { UnstyledButton } from '@mantine/core'
import { Link } from '@tanstack/react-router'

import { Icon } from '../components/icons'
import classes from './BottomBar.module.css'

interface Props {
  isMenuOpen: boolean
  onToggleMenu: () => void
  onSearch: () => void
  onScan: () => void
}

/** BottomBar has the most frequent actions within reach of a thumb. Only phones show it. */
export function BottomBar({ isMenuOpen, onToggleMenu, onSearch, onScan }: Props) {
  return (
    <nav className={classes.bar} aria-label="Quick access">
      <Link to="/" className={classes.item} activeOptions={{ exact: true }}>
        <Icon name="home" size={22} />
        Overview
      </Link>
      <UnstyledButton className={classes.item} onClick={onSearch}>
        <Icon name="search" size={22} />
        Search
      </UnstyledButton>
      <UnstyledButton className={`${classes.item} ${classes.scan}`} onClick={onScan}>
        <Icon name="scan" size={26} />
        Scan
      </UnstyledButton>
      <Link to="/todos" className={classes.item}>
        <Icon name="todo" size={22} />
        Todos
      </Link>
      <UnstyledButton className={classes.item} aria-expanded={isMenuOpen} onClick={onToggleMenu}>
        <Icon name="menu" size={22} />
        More
      </UnstyledButton>
    </nav>
  )
}
