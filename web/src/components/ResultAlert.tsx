import { Alert, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useEffectEvent, useRef } from 'react'

import { changesetQuery } from '../changesets/api'
import { UndoButton, UndoState } from '../changesets/ChangesetActions'
import { useUndoToast } from '../changesets/useUndoToast'
import { TextLink } from './links'

interface Props {
  title: string
  /** What a message reports, which stays when the user leaves the screen; default: the title. */
  message?: string
  /** The request whose changes are in Activity. */
  requestId: string | undefined
  /** Text below the title. */
  children?: ReactNode
  /** Links before the one to Activity. */
  links: ReactNode
  /** Buttons after the links. */
  actions?: ReactNode
}

/**
 * ResultAlert says what a request with many rows has stored, with links to it, and offers to undo the request. It takes
 * the focus.
 */
export function ResultAlert({ title, message = title, requestId, children, links, actions }: Props) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => ref.current?.focus(), [])
  return (
    <div ref={ref} tabIndex={-1} role="status">
      <Alert color="teal" variant="outline" title={title}>
        {children}
        <Group gap="md">
          {links}
          {requestId && (
            <TextLink to="/activity/$id" params={{ id: requestId }} underline="always" size="sm">
              View in Activity
            </TextLink>
          )}
          {actions}
          {requestId && <ResultUndo requestId={requestId} message={message} />}
        </Group>
      </Alert>
    </div>
  )
}

/**
 * ResultUndo undoes the request after a preview. A message offers that as well. A request that changed nothing has no
 * change set.
 */
function ResultUndo({ requestId, message }: { requestId: string; message: string }) {
  const { data } = useQuery(changesetQuery(requestId))
  const showUndoToast = useUndoToast()
  const report = useEffectEvent(() => showUndoToast(message, requestId))
  const hasChanges = data !== undefined
  useEffect(() => {
    if (hasChanges) report()
  }, [hasChanges])
  if (!data) return null
  return (
    <>
      <UndoButton changeset={data} />
      <UndoState changeset={data} />
    </>
  )
}
