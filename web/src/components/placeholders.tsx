import { Button, Group, Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core'
import { type ErrorComponentProps, useLocation, useRouter } from '@tanstack/react-router'
import { type ReactNode, useCallback, useEffect, useRef } from 'react'

import { type Problem, toProblem } from '../api/problem'
import { useLiveState } from '../live/liveUpdates'
import { Icon, type IconName } from './icons'
import { TextLink } from './links'
import { Screen } from './Screen'

// What is shown instead of data: while it loads, when there is none, and when it cannot be had.

interface NoticeProps {
  icon: IconName
  title: string
  children?: ReactNode
  /** Buttons that lead on. */
  actions?: ReactNode
  /** True tells a screen reader at once. */
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

/** Loading stands where data will be. rows is about how much of it. */
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

/** EmptyState says that there is nothing, and how there would be something. */
export function EmptyState({ title, children, actions, icon = 'search' }: Omit<NoticeProps, 'icon' | 'urgent'> & { icon?: IconName }) {
  return (
    <Notice icon={icon} title={title} actions={actions}>
      {children}
    </Notice>
  )
}

/** Forbidden says which role is missing. */
export function Forbidden({ children }: { children?: ReactNode }) {
  return (
    <Notice icon="lock" title="You may not see this" isUrgent>
      {children ?? 'Your account does not have the role for it. An admin can change that.'}
    </Notice>
  )
}

/** SignedOutNotice leads to where one signs in, and back from there. */
function SignedOutNotice() {
  const { publicHref } = useLocation()
  return (
    <Notice icon="lock" title="You are not signed in" actions={<TextLink to="/sign-in" search={{ next: publicHref }}>Sign in</TextLink>} isUrgent>
      Or the server could not tell who you are.
    </Notice>
  )
}

/** Offline says that there is no server to ask. What was read before stays on the screen; this is for what was not. */
export function Offline({ onRetry }: { onRetry?: (() => void) | undefined }) {
  return (
    <Notice icon="offline" title="The server cannot be reached" actions={onRetry && <Button onClick={onRetry}>Try again</Button>} isUrgent>
      This is tried again by itself as soon as there is a connection.
    </Notice>
  )
}

/** ErrorState says what went wrong, by the kind of problem. */
export function ErrorState({ problem, onRetry }: { problem: Problem; onRetry?: (() => void) | undefined }) {
  switch (problem.status) {
    case 0:
      return <Offline onRetry={onRetry} />
    case 400:
      return (
        <Notice icon="search" title="The address is wrong" isUrgent actions={<TextLink to="/">Go to the first page</TextLink>}>
          {problem.message}
        </Notice>
      )
    case 401:
      return <SignedOutNotice />
    case 403:
      return <Forbidden>{problem.message}</Forbidden>
    case 404:
      return (
        <Notice icon="search" title="There is no such thing" isUrgent actions={<TextLink to="/">Go to the first page</TextLink>}>
          It may have been deleted, or the address is wrong.
        </Notice>
      )
  }
  return (
    <Notice icon="alert" title={problem.title} isUrgent actions={onRetry && <Button onClick={onRetry}>Try again</Button>}>
      {problem.message}
      {problem.requestId && (
        <Text size="xs" mt={4}>
          Request {problem.requestId}
        </Text>
      )}
    </Notice>
  )
}

/** NotFoundScreen is the screen of addresses that no screen has. */
export function NotFoundScreen() {
  return (
    <Screen title="Nothing here">
      <EmptyState title="There is no such page" actions={<TextLink to="/">Go to the first page</TextLink>} />
    </Screen>
  )
}

/** ErrorScreen is shown instead of a screen that threw, or whose code could not be loaded: a new version may have taken its place. */
export function ErrorScreen({ error, reset }: ErrorComponentProps) {
  if (toProblem(error).status === 0) return <NotLoadedScreen reset={reset} />
  return (
    <Screen title="This page failed">
      <Notice icon="alert" title="This page could not be shown" isUrgent actions={<Button onClick={() => location.reload()}>Load it anew</Button>}>
        There may be a new version, or no connection. ({toProblem(error).message})
      </Notice>
    </Screen>
  )
}

/** NotLoadedScreen stands for a screen whose code is not there yet, until there is a connection. */
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
    <Screen title="Not loaded yet">
      <Offline onRetry={retry} />
    </Screen>
  )
}
