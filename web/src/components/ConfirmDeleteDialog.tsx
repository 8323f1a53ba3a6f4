import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { asProblem } from '../api/problem'
import { Dialog } from './Dialog'
import { ProblemNote } from './form'
import { Loading } from './placeholders'

export interface Props {
  /** What is deleted, as a sentence would call it: "Site 1". */
  what: string
  /** Deletes, or with dryRun only tells whether that would go; with cascade also what depends on it. */
  remove: (how: { cascade: boolean; dryRun: boolean }) => Promise<unknown>
  deleted: () => void
  close: () => void
}

/** AskDelete asks before something is deleted, and says what else would go: the server counts it in a dry run. */
export function AskDelete({ what, remove, deleted, close }: Props) {
  const [cascade, setCascade] = useState(false)
  const trial = useQuery({
    queryKey: ['delete', what],
    gcTime: 0,
    retry: false,
    queryFn: () =>
      remove({ cascade: false, dryRun: true }).then(
        () => '',
        (thrown: unknown) => {
          const problem = asProblem(thrown)
          if (problem.status === 409) return problem.message.replace(/ Delete those first.*$/, '')
          throw problem
        },
      ),
  })
  const { mutate, isPending, error } = useMutation({ mutationFn: () => remove({ cascade, dryRun: false }), onSuccess: deleted })
  const failed = error ?? trial.error
  const inUse = Boolean(trial.data)
  return (
    <Dialog onClose={close} title={`Delete ${what}?`}>
      <Stack>
        {trial.isPending && <Loading rows={1} />}
        {inUse && <Text>{trial.data}</Text>}
        {inUse && <Checkbox label="Delete those, too" checked={cascade} onChange={(event) => setCascade(event.currentTarget.checked)} />}
        {trial.data === '' && <Text>Nothing depends on it. It stays in the history.</Text>}
        <ProblemNote problem={failed ? asProblem(failed) : undefined} />
        <Group justify="end">
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button color="red" loading={isPending} disabled={trial.data === undefined || (inUse && !cascade)} onClick={() => mutate()}>
            Delete
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
