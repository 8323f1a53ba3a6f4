import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { Dialog } from './Dialog'
import { ProblemAlert } from './form'
import { Loading } from './placeholders'

export interface ConfirmDeleteProps {
  /** Name of the item in a sentence, such as "Site 1". */
  itemName: string
  /** Deletes the item. dryRun only checks whether that is possible; cascade also deletes dependent rows. */
  onDelete: (options: { cascade: boolean; dryRun: boolean }) => Promise<{ requestId?: string | undefined } | void>
  /** Receives the ID of the request, if onDelete returns it. */
  onDeleted: (requestId: string | undefined) => void
  onClose: () => void
}

/** ConfirmDeleteDialog asks for confirmation. A dry run on the server counts the dependent rows. */
export function ConfirmDeleteDialog({ itemName, onDelete, onDeleted, onClose }: ConfirmDeleteProps) {
  const [cascade, setCascade] = useState(false)
  const dryRunQuery = useQuery({
    queryKey: ['delete', itemName],
    gcTime: 0,
    retry: false,
    queryFn: () =>
      onDelete({ cascade: false, dryRun: true }).then(
        () => '',
        (reason: unknown) => {
          const problem = toProblem(reason)
          if (problem.status === 409) return describeDependents(problem.message)
          throw problem
        },
      ),
  })
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => onDelete({ cascade, dryRun: false }),
    onSuccess: (deletion) => onDeleted(deletion?.requestId),
  })
  const failure = error ?? dryRunQuery.error
  const inUse = Boolean(dryRunQuery.data)
  return (
    <Dialog onClose={onClose} title={`Delete ${itemName}?`}>
      <Stack>
        {dryRunQuery.isPending && <Loading rows={1} />}
        {inUse && <Text>In use by {dryRunQuery.data}.</Text>}
        {inUse && (
          <Checkbox
            label={`Also delete ${dryRunQuery.data}`}
            checked={cascade}
            onChange={(event) => setCascade(event.currentTarget.checked)}
          />
        )}
        {dryRunQuery.data === '' && <Text>Nothing else is deleted. The history keeps a record.</Text>}
        <ProblemAlert problem={failure ? toProblem(failure) : undefined} />
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            color="red"
            loading={isPending}
            disabled={dryRunQuery.data === undefined || (inUse && !cascade)}
            onClick={() => mutate()}
          >
            Delete
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

/** describeDependents returns the dependent rows in a message of the server: "5 computers and 5 freezers". */
const describeDependents = (message: string): string =>
  (/referenced by (.+?)\. Delete/.exec(message)?.[1] ?? 'other items').replace(/, (?=[^,]*$)/, ' and ')
