import { Button, type ButtonProps } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef } from 'react'

import { createKeyring } from '../api/idempotencyKey'
import { toProblem } from '../api/problem'
import { TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { usePermission } from '../session/api'
import { latestStocktakeQuery, startStocktake, type Stocktake, type StocktakeScope, useStocktakeMutation } from './api'

/** useStartStocktake returns a function that starts a stock-take and opens it. */
export function useStartStocktake() {
  const navigate = useNavigate()
  const keyring = useRef(createKeyring())
  const { mutate, error, isPending } = useStocktakeMutation(({ scope, note }: { scope: StocktakeScope; note: string | null }) =>
    startStocktake(scope, note, keyring.current(JSON.stringify([scope, note]))),
  )
  const open = ({ id }: Stocktake) => void navigate({ to: '/stocktakes/$id', params: { id: String(id) } })
  return {
    start: (scope: StocktakeScope, note: string | null = null, onError?: (error: Error) => void) =>
      mutate({ scope, note }, { onSuccess: open, ...(onError && { onError }) }),
    error,
    isPending,
  }
}

/** LatestStocktake tells when a freezer or container was last counted, and starts a stock-take. */
export function LatestStocktake({ scope }: { scope: StocktakeScope }) {
  const { data: latest } = useQuery(latestStocktakeQuery(scope))
  if (latest === undefined) return null
  if (latest?.closed_at === null)
    return (
      <TextLink to="/stocktakes/$id" params={{ id: String(latest.id) }}>
        Open since <TimeAgo at={latest.started_at} />
      </TextLink>
    )
  return (
    <>
      {latest ? (
        <TextLink to="/stocktakes/$id" params={{ id: String(latest.id) }}>
          <TimeAgo at={latest.closed_at ?? latest.started_at} />
        </TextLink>
      ) : (
        'Never'
      )}{' '}
      <StartStocktakeButton scope={scope} size="compact-sm" />
    </>
  )
}

function StartStocktakeButton({ scope, ...buttonProps }: ButtonProps & { scope: StocktakeScope }) {
  const canEdit = usePermission('operator')
  const { start, isPending } = useStartStocktake()
  if (!canEdit) return null
  const showError = (error: Error) => toast(toProblem(error).message, 'error')
  return (
    <Button variant="default" {...buttonProps} loading={isPending} onClick={() => start(scope, null, showError)}>
      Start stock-take
    </Button>
  )
}
