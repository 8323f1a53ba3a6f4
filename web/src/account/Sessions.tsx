import { Button, Checkbox, Stack } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'

import { asProblem } from '../api/problem'
import { type Column, DataTable } from '../components/DataTable'
import { useFilters } from '../components/filters'
import { shown } from '../components/formatValue'
import { Empty } from '../components/placeholders'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { endSession, lives, type Session, sessionsQuery } from './api'
import { browser } from './describeUserAgent'

/** Sessions lists where one is signed in, and signs out there. ended is called when that was here. */
export function Sessions({ ended }: { ended: () => void }) {
  const [{ ended: also }, set] = useFilters([{ name: 'ended', label: 'Ended' }])
  const query = useInfiniteQuery(sessionsQuery(also === 'yes'))
  const queryClient = useQueryClient()
  const { mutate, isPending, variables } = useMutation({
    mutationFn: endSession,
    onSuccess: (_, { own }) => {
      if (own) return ended()
      toast('That session is ended')
      void queryClient.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: (error) => toast(asProblem(error).message, 'bad'),
  })
  const columns: Column<Session>[] = [
    { id: 'user_agent', header: 'What', value: (one) => browser(one.user_agent), cell: (one) => <span title={one.user_agent ?? undefined}>{browser(one.user_agent)}</span> },
    { id: 'address', header: 'From', value: (one) => one.address, cell: (one) => shown(one.address) },
    { id: 'created_at', header: 'Signed in', value: (one) => one.created_at, cell: (one) => <TimeAgo at={one.created_at} /> },
    { id: 'rotated_at', header: 'Last renewed', value: (one) => one.rotated_at, cell: (one) => <TimeAgo at={one.rotated_at} /> },
    {
      id: 'end',
      header: 'State',
      value: (one) => (one.own ? 'this' : lives(one) ? 'live' : 'over'),
      cell: (one) =>
        lives(one) ? (
          <Button
            size="compact-sm"
            variant="default"
            loading={isPending && variables.id === one.id}
            aria-label={one.own ? undefined : `End the session of ${browser(one.user_agent)}`}
            onClick={() => mutate(one)}
          >
            {one.own ? 'Sign out here' : 'End'}
          </Button>
        ) : (
          <>
            Ended <TimeAgo at={one.revoked_at ?? one.expires_at} />
          </>
        ),
    },
  ]
  return (
    <Stack gap="xs">
      <Checkbox label="Also those that have ended" checked={also === 'yes'} onChange={(event) => set('ended', event.currentTarget.checked ? 'yes' : '')} />
      <DataTable label="Sessions" query={query} columns={columns} rowKey={(one) => one.id} empty={<Empty icon="user" title="No sessions" />} />
    </Stack>
  )
}
