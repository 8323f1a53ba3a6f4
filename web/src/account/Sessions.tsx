import { Button, Checkbox, Stack } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { type Column, DataTable } from '../components/DataTable'
import { useFilters } from '../components/filters'
import { formatValue } from '../components/formatValue'
import { EmptyState } from '../components/placeholders'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { isActive, revokeSession, type Session, sessionsQuery } from './api'
import { describeUserAgent } from './describeUserAgent'

/** SessionList lists where one is signed in, and signs out there. ended is called when that was here. */
export function SessionList({ onEnded }: { onEnded: () => void }) {
  const [{ ended: showEnded }, setFilter] = useFilters([{ name: 'ended', label: 'Ended' }])
  const query = useInfiniteQuery(sessionsQuery(showEnded === 'yes'))
  const queryClient = useQueryClient()
  const { mutate, isPending, variables } = useMutation({
    mutationFn: revokeSession,
    onSuccess: (_, { own }) => {
      if (own) return onEnded()
      toast('That session is ended')
      void queryClient.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: (error) => toast(toProblem(error).message, 'error'),
  })
  const columns: Column<Session>[] = [
    { id: 'user_agent', header: 'What', value: (session) => describeUserAgent(session.user_agent), cell: (session) => <span title={session.user_agent ?? undefined}>{describeUserAgent(session.user_agent)}</span> },
    { id: 'address', header: 'From', value: (session) => session.address, cell: (session) => formatValue(session.address) },
    { id: 'created_at', header: 'Signed in', value: (session) => session.created_at, cell: (session) => <TimeAgo at={session.created_at} /> },
    { id: 'rotated_at', header: 'Last renewed', value: (session) => session.rotated_at, cell: (session) => <TimeAgo at={session.rotated_at} /> },
    {
      id: 'end',
      header: 'State',
      value: (session) => (session.own ? 'this' : isActive(session) ? 'live' : 'over'),
      cell: (session) =>
        isActive(session) ? (
          <Button
            size="compact-sm"
            variant="default"
            loading={isPending && variables.id === session.id}
            aria-label={session.own ? undefined : `End the session of ${describeUserAgent(session.user_agent)}`}
            onClick={() => mutate(session)}
          >
            {session.own ? 'Sign out here' : 'End'}
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
      <Checkbox label="Also those that have ended" checked={showEnded === 'yes'} onChange={(event) => setFilter('ended', event.currentTarget.checked ? 'yes' : '')} />
      <DataTable label="Sessions" query={query} columns={columns} rowKey={(session) => session.id} empty={<EmptyState icon="user" title="No sessions" />} />
    </Stack>
  )
}
