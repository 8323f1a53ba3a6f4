import { Button } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { asProblem } from '../api/problem'
import { type Column, DataTable } from '../components/DataTable'
import { Empty } from '../components/placeholders'
import { Part } from '../components/Section'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { endToken, lives, type Token, tokensQuery } from './api'
import { TokenDialog } from './TokenDialog'

/** Tokens lists one's API tokens, makes new ones and ends them. */
export function Tokens() {
  const query = useInfiniteQuery(tokensQuery)
  const queryClient = useQueryClient()
  const [making, make] = useState(false)
  const { mutate, isPending, variables } = useMutation({
    mutationFn: endToken,
    onSuccess: (_, { name }) => {
      toast(`${name} is ended`)
      void queryClient.invalidateQueries({ queryKey: ['tokens'] })
    },
    onError: (error) => toast(asProblem(error).message, 'bad'),
  })
  const columns: Column<Token>[] = [
    { id: 'name', header: 'Name', value: (one) => one.name },
    { id: 'prefix', header: 'Begins with', value: (one) => one.prefix, cell: (one) => <code>{one.prefix}</code> },
    { id: 'role', header: 'Role', value: (one) => one.role },
    {
      id: 'expires_at',
      header: 'Ends',
      value: (one) => one.revoked_at ?? one.expires_at,
      cell: (one) => <TimeAgo at={one.revoked_at ?? one.expires_at} />,
    },
    {
      id: 'end',
      header: 'State',
      value: (one) => (lives(one) ? 'good' : 'over'),
      cell: (one) =>
        lives(one) ? (
          <Button size="compact-sm" variant="default" loading={isPending && variables.id === one.id} aria-label={`End ${one.name}`} onClick={() => mutate(one)}>
            End
          </Button>
        ) : (
          'Over'
        ),
    },
  ]
  return (
    <Part
      title="API tokens"
      id="tokens"
      actions={
        <Button variant="default" onClick={() => make(true)}>
          New token
        </Button>
      }
    >
      <DataTable label="API tokens" query={query} columns={columns} rowKey={(one) => one.id} empty={<Empty icon="lock" title="No tokens">A script calls the API with one, on your behalf.</Empty>} />
      {making && <TokenDialog close={() => make(false)} />}
    </Part>
  )
}
