import { Group, Stack, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

import { appPath } from '../api/basePath'
import { rememberVisit } from '../search/recentVisits'
import { useSession } from '../session/api'

// The browser sets the focus of the first screen. Later screens focus their heading, so screen readers announce it.
let hasShownScreen = false

interface Props {
  /** Text of the heading and of the browser tab. */
  title: string
  /** A link above the title to the parent screen. */
  breadcrumb?: ReactNode
  /** Buttons beside the title. */
  actions?: ReactNode
  children: ReactNode
}

/** Screen is the frame of every screen: heading, tab title and initial focus. */
export function Screen({ title, breadcrumb, actions, children }: Props) {
  const headingRef = useRef<HTMLHeadingElement>(null)
  const username = useSession()?.username
  useEffect(() => {
    document.title = `${title} · Labledger`
    if (!username) return
    const path = location.pathname.slice(appPath.length)
    // Only visits of at least a second count. By then the title is loaded.
    const timer = setTimeout(() => rememberVisit(username, path, title), 1000)
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
