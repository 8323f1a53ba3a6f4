import { Alert, Button, Group } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

import { TextLink } from '../components/links'

interface Props {
  title: string
  requestId: string | undefined
  links: ReactNode
  onAddMore: () => void
}

/** AddManyResult says what was added, with links to it. */
export function AddManyResult({ title, requestId, links, onAddMore }: Props) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => ref.current?.focus(), [])
  return (
    <div ref={ref} tabIndex={-1} role="status">
      <Alert color="teal" variant="outline" title={title}>
        <Group gap="md">
          {links}
          {requestId && (
            <TextLink to="/activity" search={{ request_id: requestId }} underline="always" size="sm">
              View in Activity
            </TextLink>
          )}
          <Button variant="default" onClick={onAddMore}>
            Add more
          </Button>
        </Group>
      </Alert>
    </div>
  )
}
