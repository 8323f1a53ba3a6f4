import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'

import { createKeyring } from '../api/idempotencyKey'
import { refreshCustody } from './api'

/**
 * useCustodyMutation returns a mutation that writes with an idempotency key, and then refreshes what shows who has a
 * container. A repeated attempt has the same key until one succeeds.
 */
export function useCustodyMutation<Input, Result>(write: (input: Input, key: string) => Promise<Result>) {
  const queryClient = useQueryClient()
  const keyring = useRef(createKeyring())
  return useMutation({
    mutationFn: (input: Input) => write(input, keyring.current(JSON.stringify(input))),
    onSuccess: () => {
      keyring.current = createKeyring()
    },
    onSettled: () => refreshCustody(queryClient),
  })
}
