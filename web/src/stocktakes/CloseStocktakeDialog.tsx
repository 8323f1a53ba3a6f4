import { Alert, Button, Checkbox, Group, List, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type Problem, toProblem } from '../api/problem'
import { Dialog } from '../components/Dialog'
import { ProblemAlert } from '../components/form'
import { Loading } from '../components/placeholders'
import { toast } from '../components/toast'
import { countContainers } from '../moves/pickOrder'
import { type Closing, closeStocktake, type StocktakeTotals, useStocktakeMutation } from './api'

interface Props {
  stocktake: StocktakeTotals
  onClose: () => void
}

/** CloseStocktakeDialog asks what happens with the differences. A dry run on the server counts what will change. */
export function CloseStocktakeDialog({ stocktake, onClose }: Props) {
  const { missing, misplaced, unexpected } = stocktake
  const [closing, setClosing] = useState<Closing>({ missing: 'mark', misplaced: 'move', unexpected: 'move' })
  const plan = useQuery({
    queryKey: ['closing', stocktake.id, closing, missing, misplaced, unexpected],
    queryFn: () => closeStocktake(stocktake, closing, true),
    placeholderData: keepPreviousData,
    gcTime: 0,
    retry: false,
  })
  const { mutate, error, isPending } = useStocktakeMutation(() => closeStocktake(stocktake, closing))
  const failure = error ?? plan.error
  const differences = [
    { field: 'missing', yes: 'mark', count: missing, label: 'Mark what was not scanned as missing' },
    { field: 'misplaced', yes: 'move', count: misplaced, label: 'Move what is misplaced to where it was scanned' },
    { field: 'unexpected', yes: 'move', count: unexpected, label: 'Move what belongs elsewhere to where it was scanned' },
  ] as const
  const shown = differences.filter(({ count }) => count > 0)
  const handleClose = () =>
    mutate(undefined, {
      onSuccess: () => {
        onClose()
        toast('Stock-take closed')
      },
    })
  return (
    <Dialog title="Close the stock-take?" onClose={onClose}>
      <Stack>
        {shown.map(({ field, yes, count, label }) => (
          <Checkbox
            key={field}
            label={`${label} (${count.toLocaleString('en')})`}
            checked={closing[field] === yes}
            onChange={(event) => setClosing({ ...closing, [field]: event.currentTarget.checked ? yes : 'keep' })}
          />
        ))}
        {plan.isPending && <Loading rows={1} />}
        {plan.data && !plan.error && (
          <Text aria-live="polite">{describePlan(plan.data)} The results cannot change after closing.</Text>
        )}
        <Conflicts problem={failure ? toProblem(failure) : undefined} />
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={isPending} disabled={plan.data === undefined || plan.error !== null} onClick={handleClose}>
            Close stock-take
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

/** describePlan tells what closing changes in the register. */
function describePlan({ marked, moved, restored }: { marked: number; moved: number; restored: number }): string {
  const changes = [
    [marked, 'marked as missing'],
    [moved, 'moved'],
    [restored, 'in place again'],
  ] as const
  const parts = changes.filter(([count]) => count > 0).map(([count, what]) => `${countContainers(count)} ${what}`)
  return parts.length > 0 ? `Closing writes: ${parts.join(', ')}.` : 'The register stays as it is.'
}

/** Conflicts lists what keeps the stock-take from closing: positions that are taken. */
function Conflicts({ problem }: { problem: Problem | undefined }) {
  if (problem?.status !== 409 || problem.errors.length === 0) return <ProblemAlert problem={problem} />
  return (
    <Alert role="alert" color="red" variant="outline" title="Not all containers can be moved">
      <List size="sm" spacing={2}>
        {problem.errors.map(({ message }) => (
          <List.Item key={message}>{message}</List.Item>
        ))}
      </List>
      <Text size="sm" mt={4}>
        Scan what lies there, or remove a scan.
      </Text>
    </Alert>
  )
}
