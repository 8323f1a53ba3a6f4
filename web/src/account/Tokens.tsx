import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { EmptyState } from '../components/placeholders'
import type { Column } from '../components/RowTable'
import { Section } from '../components/Section'
import { ShortList } from '../components/ShortList'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { isActive, revokeToken, type Token, tokensQuery } from './api'
import { TokenDialog } from './TokenDialog'

/** TokenList lists, creates and revokes the user's API tokens. */
export function TokenList() {
  const query = useQuery(tokensQuery)
  const queryClient = useQueryClient()
  const [isDialogOpen, setIsDialogOpen] = useState(false)
  const { mutate, isPending, variables } = useMutation({
    mutationFn: revokeToken,
    onSuccess: (_, { name }) => {
      toast(`Revoked ${name}`)
      void queryClient.invalidateQueries({ queryKey: ['tokens'] })
    },
    onError: (error) => toast(toProblem(error).message, 'error'),
  })
  const columns: Column<Token>[] = [
    { id: 'name', header: 'Name', value: (token) => token.name },
    { id: 'prefix', header: 'Prefix', value: (token) => token.prefix, cell: (token) => <code>{token.prefix}</code> },
    { id: 'role', header: 'Role', value: (token) => token.role, width: 7 },
    {
      id: 'expires_at',
      header: 'Valid until',
      width: 8.5,
      value: (token) => token.revoked_at ?? token.expires_at,
      cell: (token) => <TimeAgo at={token.revoked_at ?? token.expires_at} />,
    },
    {
      id: 'state',
      header: 'State',
      width: 8,
      value: (token) => (isActive(token) ? 'active' : 'ended'),
      cell: (token) =>
        isActive(token) ? (
          <Button
            size="compact-sm"
            variant="default"
            loading={isPending && variables.id === token.id}
            aria-label={`Revoke ${token.name}`}
            onClick={() => mutate(token)}
          >
            Revoke
          </Button>
        ) : token.revoked_at ? (
          'Revoked'
        ) : (
          'Expired'
        ),
    },
  ]
  const openDialog = () => setIsDialogOpen(true)
  return (
    <Section
      title="API tokens"
      id="tokens"
      actions={
        <Button variant="default" onClick={openDialog}>
          New token
        </Button>
      }
    >
      <ShortList
        label="API tokens"
        query={query}
        columns={columns}
        rowKey={(token) => token.id}
        empty={
          <EmptyState
            icon="lock"
            title="No API tokens"
            actions={<Button onClick={openDialog}>Create a token</Button>}
          >
            API tokens let scripts use the API as you.
          </EmptyState>
        }
      />
      {isDialogOpen && <TokenDialog onClose={() => setIsDialogOpen(false)} />}
    </Section>
  )
}
