import { Button, Checkbox, Stack } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { formatValue } from '../components/formatValue'
import { EmptyState } from '../components/placeholders'
import type { Column } from '../components/RowTable'
import { ShortList } from '../components/ShortList'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { useSearchParam } from '../components/useSearchParam'
import { isActive, revokeSession, type Session, sessionsQuery } from './api'
import { describeUserAgent } from './describeUserAgent'

/** SessionList lists and revokes the user's sessions. It calls onEnded after revoking the current session. */
export function SessionList({ onEnded }: { onEnded: () => void }) {
  const [showEnded, setShowEnded] = useSearchParam('ended')
  const query = useQuery(sessionsQuery(showEnded === 'yes'))
  const queryClient = useQueryClient()
  const { mutate, isPending, variables } = useMutation({
    mutationFn: revokeSession,
    onSuccess: (_, { own }) => {
      if (own) return onEnded()
      toast('Session revoked')
      void queryClient.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: (error) => toast(toProblem(error).message, 'error'),
  })
  const columns: Column<Session>[] = [
    {
      id: 'user_agent',
      header: 'Device',
      value: (session) => describeUserAgent(session.user_agent),
      cell: (session) => <span title={session.user_agent ?? undefined}>{describeUserAgent(session.user_agent)}</span>,
    },
    {
      id: 'address',
      header: 'IP address',
      value: (session) => session.address,
      cell: (session) => formatValue(session.address),
    },
    {
      id: 'created_at',
      header: 'Signed in',
      width: 8.5,
      value: (session) => session.created_at,
      cell: (session) => <TimeAgo at={session.created_at} />,
    },
    {
      id: 'rotated_at',
      header: 'Last active',
      width: 8.5,
      value: (session) => session.rotated_at,
      cell: (session) => <TimeAgo at={session.rotated_at} />,
    },
    {
      id: 'state',
      header: 'State',
      width: 12,
      value: (session) => (session.own ? 'this session' : isActive(session) ? 'active' : 'ended'),
      cell: (session) =>
        isActive(session) ? (
          <Button
            size="compact-sm"
            variant="default"
            loading={isPending && variables.id === session.id}
            aria-label={session.own ? undefined : `Revoke the session of ${describeUserAgent(session.user_agent)}`}
            onClick={() => mutate(session)}
          >
            {session.own ? 'Sign out' : 'Revoke'}
          </Button>
        ) : (
          <>
            Ended <TimeAgo at={session.revoked_at ?? session.expires_at} />
          </>
        ),
    },
  ]
  return (
    <Stack gap="xs">
      <Checkbox
        label="Show ended"
        checked={showEnded === 'yes'}
        onChange={(event) => setShowEnded(event.currentTarget.checked ? 'yes' : '')}
      />
      <ShortList
        label="Sessions"
        query={query}
        columns={columns}
        rowKey={(session) => session.id}
        empty={<EmptyState icon="user" title="No sessions" />}
      />
    </Stack>
  )
}
