import { Button, Group, Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core'
import { type ErrorComponentProps, useLocation, useRouter } from '@tanstack/react-router'
import { type ReactNode, useCallback, useEffect, useRef } from 'react'

import { asProblem, type Problem } from '../api/problem'
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
  urgent?: boolean
}

function Notice({ icon, title, children, actions, urgent }: NoticeProps) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center" role={urgent ? 'alert' : undefined}>
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

/** Empty says that there is nothing, and how there would be something. */
export function Empty({ title, children, actions, icon = 'search' }: Omit<NoticeProps, 'icon' | 'urgent'> & { icon?: IconName }) {
  return (
    <Notice icon={icon} title={title} actions={actions}>
      {children}
    </Notice>
  )
}

/** Forbidden says which role is missing. */
export function Forbidden({ children }: { children?: ReactNode }) {
  return (
    <Notice icon="lock" title="You may not see this" urgent>
      {children ?? 'Your account does not have the role for it. An admin can change that.'}
    </Notice>
  )
}

/** SignedOut leads to where one signs in, and back from there. */
function SignedOut() {
  const { publicHref } = useLocation()
  return (
    <Notice icon="lock" title="You are not signed in" actions={<TextLink to="/sign-in" search={{ next: publicHref }}>Sign in</TextLink>} urgent>
      Or the server could not tell who you are.
    </Notice>
  )
}

/** Offline says that there is no server to ask. What was read before stays on the screen; this is for what was not. */
export function Offline({ retry }: { retry?: (() => void) | undefined }) {
  return (
    <Notice icon="offline" title="The server cannot be reached" actions={retry && <Button onClick={retry}>Try again</Button>} urgent>
      This is tried again by itself as soon as there is a connection.
    </Notice>
  )
}

/** ErrorState says what went wrong, by the kind of problem. */
export function ErrorState({ problem, retry }: { problem: Problem; retry?: (() => void) | undefined }) {
  switch (problem.status) {
    case 0:
      return <Offline retry={retry} />
    case 400:
      return (
        <Notice icon="search" title="The address is wrong" urgent actions={<TextLink to="/">Go to the first page</TextLink>}>
          {problem.message}
        </Notice>
      )
    case 401:
      return <SignedOut />
    case 403:
      return <Forbidden>{problem.message}</Forbidden>
    case 404:
      return (
        <Notice icon="search" title="There is no such thing" urgent actions={<TextLink to="/">Go to the first page</TextLink>}>
          It may have been deleted, or the address is wrong.
        </Notice>
      )
  }
  return (
    <Notice icon="alert" title={problem.title} urgent actions={retry && <Button onClick={retry}>Try again</Button>}>
      {problem.message}
      {problem.requestId && (
        <Text size="xs" mt={4}>
          Request {problem.requestId}
        </Text>
      )}
    </Notice>
  )
}

/** NotFound is the screen of addresses that no screen has. */
export function NotFound() {
  return (
    <Screen title="Nothing here">
      <Empty title="There is no such page" actions={<TextLink to="/">Go to the first page</TextLink>} />
    </Screen>
  )
}

/** Failed is shown instead of a screen that threw, or whose code could not be loaded: a new version may have taken its place. */
export function Failed({ error, reset }: ErrorComponentProps) {
  if (asProblem(error).status === 0) return <Unloaded reset={reset} />
  return (
    <Screen title="This page failed">
      <Notice icon="alert" title="This page could not be shown" urgent actions={<Button onClick={() => location.reload()}>Load it anew</Button>}>
        There may be a new version, or no connection. ({asProblem(error).message})
      </Notice>
    </Screen>
  )
}

/** Unloaded stands for a screen whose code is not there yet, until there is a connection. */
function Unloaded({ reset }: { reset: () => void }) {
  const router = useRouter()
  const live = useLiveState()
  const again = useCallback(() => {
    reset()
    void router.invalidate()
  }, [reset, router])
  useEffect(() => {
    addEventListener('online', again)
    return () => removeEventListener('online', again)
  }, [again])
  const was = useRef(live)
  useEffect(() => {
    if (live === 'live' && was.current !== 'live') again()
    was.current = live
  }, [live, again])
  return (
    <Screen title="Not loaded yet">
      <Offline retry={again} />
    </Screen>
  )
}
