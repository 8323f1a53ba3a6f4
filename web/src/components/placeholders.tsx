import { Button, Group, Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core'
import { type ErrorComponentProps, useLocation, useRouter } from '@tanstack/react-router'
import { type ReactNode, useCallback, useEffect, useRef } from 'react'

import { type Problem, toProblem } from '../api/problem'
import { useLiveState } from '../live/liveUpdates'
import type { Role } from '../session/api'
import { Icon, type IconName } from './icons'
import { TextLink } from './links'
import { problemTitle } from './problemTitle'
import { Screen } from './Screen'

// Placeholders for data: loading, empty, error and offline states.

interface NoticeProps {
  icon: IconName
  title: string
  children?: ReactNode
  /** Buttons or links for the next step. */
  actions?: ReactNode
  /** True announces the notice to screen readers immediately. */
  isUrgent?: boolean
}

function Notice({ icon, title, children, actions, isUrgent }: NoticeProps) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center" role={isUrgent ? 'alert' : undefined}>
      <Icon name={icon} size={32} />
      <Text fw={600}>{title}</Text>
      {children && (
        <Text c="dimmed" maw={480} component="div">
          {children}
        </Text>
      )}
      {actions && <Group gap="xs">{actions}</Group>}
    </Stack>
  )
}

/** Loading is the placeholder of data that loads. rows is the approximate number of rows. */
export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <Stack gap="sm" aria-busy="true">
      <VisuallyHidden role="status">Loading…</VisuallyHidden>
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={28} />
      ))}
    </Stack>
  )
}

/** EmptyState is shown instead of an empty list, with actions that add items. */
export function EmptyState({
  title,
  children,
  actions,
  icon = 'search',
}: Omit<NoticeProps, 'icon' | 'isUrgent'> & { icon?: IconName }) {
  return (
    <Notice icon={icon} title={title} actions={actions}>
      {children}
    </Notice>
  )
}

/** Forbidden is shown if the role of the user does not permit a screen. */
export function Forbidden({ requiredRole, children }: { requiredRole?: Role; children?: ReactNode }) {
  const roleText = requiredRole ? `the role ${requiredRole}` : 'access'
  return (
    <Notice icon="lock" title="You don’t have access" isUrgent>
      {children ?? `Your role does not include this page. Ask an admin for ${roleText}.`}
    </Notice>
  )
}

/** SignedOutNotice links to the sign-in screen, which returns to this page. */
function SignedOutNotice() {
  const { publicHref } = useLocation()
  return (
    <Notice
      icon="lock"
      title="You are not signed in"
      actions={
        <TextLink to="/sign-in" search={{ next: publicHref }}>
          Sign in
        </TextLink>
      }
      isUrgent
    >
      Your session has ended. Sign in to continue.
    </Notice>
  )
}

/** Offline is shown instead of data that cannot be loaded because the server is unreachable. */
export function Offline({ onRetry }: { onRetry?: (() => void) | undefined }) {
  return (
    <Notice
      icon="offline"
      title="The server cannot be reached"
      actions={onRetry && <Button onClick={onRetry}>Try again</Button>}
      isUrgent
    >
      Reconnecting automatically…
    </Notice>
  )
}

/** ErrorState explains a problem by its status. */
export function ErrorState({ problem, onRetry }: { problem: Problem; onRetry?: (() => void) | undefined }) {
  switch (problem.status) {
    case 0:
      return <Offline onRetry={onRetry} />
    case 400:
      return (
        <Notice
          icon="search"
          title="This address or filter is not valid"
          isUrgent
          actions={<TextLink to="/">Back to overview</TextLink>}
        >
          {problem.message}
        </Notice>
      )
    case 401:
      return <SignedOutNotice />
    case 403:
      return <Forbidden>{problem.message}</Forbidden>
    case 404:
      return (
        <Notice icon="search" title="Not found" isUrgent actions={<TextLink to="/">Back to overview</TextLink>}>
          The item may have been deleted, or the link is wrong.
        </Notice>
      )
  }
  return (
    <Notice
      icon="alert"
      title={problemTitle(problem)}
      isUrgent
      actions={onRetry && <Button onClick={onRetry}>Try again</Button>}
    >
      {problem.message}
      {problem.requestId && (
        <Text size="xs" mt={4}>
          Request ID: {problem.requestId}
        </Text>
      )}
    </Notice>
  )
}

/** NotFoundScreen is shown for URLs without a route. */
export function NotFoundScreen() {
  return (
    <Screen title="Page not found">
      <EmptyState title="There is no page at this address" actions={<TextLink to="/">Back to overview</TextLink>} />
    </Screen>
  )
}

/** ErrorScreen replaces a screen that threw an error or whose code could not be loaded, for example after an update. */
export function ErrorScreen({ error, reset }: ErrorComponentProps) {
  if (toProblem(error).status === 0) return <NotLoadedScreen reset={reset} />
  return (
    <Screen title="Something went wrong">
      <Notice
        icon="alert"
        title="This page could not be displayed"
        isUrgent
        actions={<Button onClick={() => location.reload()}>Reload</Button>}
      >
        A new version may be available, or the connection failed. ({toProblem(error).message})
      </Notice>
    </Screen>
  )
}

/** NotLoadedScreen replaces a screen whose code cannot be loaded. It retries when the connection returns. */
function NotLoadedScreen({ reset }: { reset: () => void }) {
  const router = useRouter()
  const liveState = useLiveState()
  const retry = useCallback(() => {
    reset()
    void router.invalidate()
  }, [reset, router])
  useEffect(() => {
    addEventListener('online', retry)
    return () => removeEventListener('online', retry)
  }, [retry])
  const previousState = useRef(liveState)
  useEffect(() => {
    if (liveState === 'live' && previousState.current !== 'live') retry()
    previousState.current = liveState
  }, [liveState, retry])
  return (
    <Screen title="Page not loaded">
      <Offline onRetry={retry} />
    </Screen>
  )
}
