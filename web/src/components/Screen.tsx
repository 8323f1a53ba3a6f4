import { Group, Stack, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

import { rememberVisit } from '../search/recentVisits'
import { useSession } from '../session/api'

// The first screen of a visit leaves the focus to the browser; each later one takes it, so that a screen reader tells where one has come.
let hasShownScreen = false

interface Props {
  /** What the tab, the heading and a screen reader say. */
  title: string
  /** A line above the title: where this belongs. */
  breadcrumb?: ReactNode
  /** Buttons beside the title. */
  actions?: ReactNode
  children: ReactNode
}

/** Screen is the frame of every screen: its title, in the page and in the tab, and the focus when one comes to it. */
export function Screen({ title, breadcrumb, actions, children }: Props) {
  const headingRef = useRef<HTMLHeadingElement>(null)
  const username = useSession()?.username
  useEffect(() => {
    document.title = `${title} · Labledger`
    if (!username) return
    const path = location.pathname.replace(/^\/app/, '')
    const timer = setTimeout(() => rememberVisit(username, path, title), 1000) // a visit is one that lasts; by then it has its name
    return () => clearTimeout(timer)
  }, [title, username])
  useEffect(() => {
    if (hasShownScreen) headingRef.current?.focus({ preventScroll: true })
    hasShownScreen = true
  }, [])
  return (
    <Stack gap="lg">
      <div>
        {breadcrumb}
        <Group justify="space-between" gap="sm">
          <Title order={1} ref={headingRef} tabIndex={-1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      </div>
      {children}
    </Stack>
  )
}
