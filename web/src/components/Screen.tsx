import { Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import { appPath } from '../api/basePath'
import { AsOfBanner } from '../asOf/AsOfBanner'
import { rememberVisit } from '../search/recentVisits'
import { useSession } from '../session/api'
import classes from './Screen.module.css'
import { TitleLineSlot } from './TitleLine'

// The browser sets the focus of the first screen. Later screens focus their heading, so screen readers announce it.
let hasShownScreen = false

interface Props {
  /** Text of the heading and of the browser tab. */
  title: string
  /** Links above the title to the screens that lead here, outermost first. */
  breadcrumb?: ReactNode
  /** The state of the item, beside the title. */
  badges?: ReactNode
  /** Buttons at the end of the title line, with at most one filled. */
  actions?: ReactNode
  children: ReactNode
}

/** Screen is the frame of every screen: heading, tab title and initial focus. */
export function Screen({ title, breadcrumb, badges, actions, children }: Props) {
  const headingRef = useRef<HTMLHeadingElement>(null)
  const [slot, setSlot] = useState<HTMLElement | null>(null)
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
    const heading = headingRef.current
    const isFieldFocused = heading?.closest('main')?.contains(document.activeElement) // by a form of the screen
    if (hasShownScreen && !isFieldFocused) heading?.focus({ preventScroll: true })
    hasShownScreen = true
  }, [])
  return (
    <div className={classes.screen}>
      <div>
        {breadcrumb && (
          <nav aria-label="Breadcrumb" className={classes.path}>
            {breadcrumb}
          </nav>
        )}
        <div className={classes.head}>
          <div className={classes.title}>
            <Title order={1} ref={headingRef} tabIndex={-1}>
              {title}
            </Title>
            {badges}
          </div>
          <div ref={setSlot} className={classes.slot} />
          {actions && <div className={classes.actions}>{actions}</div>}
        </div>
      </div>
      <AsOfBanner />
      <TitleLineSlot value={slot}>{children}</TitleLineSlot>
    </div>
  )
}
