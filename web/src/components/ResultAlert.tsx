import { Alert, Group } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

import { TextLink } from './links'

interface Props {
  title: string
  /** The request whose changes are in Activity. */
  requestId: string | undefined
  /** Text below the title. */
  children?: ReactNode
  /** Links before the one to Activity. */
  links: ReactNode
  /** Buttons after the links. */
  actions?: ReactNode
}

/** ResultAlert says what a request with many rows has stored, with links to it. It takes the focus. */
export function ResultAlert({ title, requestId, children, links, actions }: Props) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => ref.current?.focus(), [])
  return (
    <div ref={ref} tabIndex={-1} role="status">
      <Alert color="teal" variant="outline" title={title}>
        {children}
        <Group gap="md">
          {links}
          {requestId && (
            <TextLink to="/activity" search={{ request_id: requestId }} underline="always" size="sm">
              View in Activity
            </TextLink>
          )}
          {actions}
        </Group>
      </Alert>
    </div>
  )
}
