import { useQuery } from '@tanstack/react-query'

import { Dialog } from '../components/Dialog'
import { QueryBoundary } from '../components/QueryBoundary'
import type { Selection } from '../grid/selection'
import type { ContainerRow } from '../lists/containers'
import { fetchMoveItems, toMoveItem } from './api'
import MoveDialog from './MoveDialog'

interface Props {
  selection: Selection<ContainerRow>
  onMoved: () => void
  onClose: () => void
}

/** MoveSelectionDialog moves the selected containers of a list, in the order of the list. */
export default function MoveSelectionDialog({ selection, onMoved, onClose }: Props) {
  const { rows, count, isAllMatching, params, sort } = selection
  const query = useQuery({
    queryKey: ['containers', 'to move', params, sort, count],
    queryFn: ({ signal }) => fetchMoveItems({ ...params, ...(sort && { sort }) }, signal),
    enabled: isAllMatching,
    gcTime: 0,
    staleTime: Infinity, // the selection of the user
  })
  if (!isAllMatching) return <MoveDialog items={rows.map(toMoveItem)} onMoved={onMoved} onClose={onClose} />
  if (query.data) return <MoveDialog items={query.data} onMoved={onMoved} onClose={onClose} />
  return (
    <Dialog onClose={onClose} title="Move containers">
      <QueryBoundary query={query} rows={3}>
        {() => null}
      </QueryBoundary>
    </Dialog>
  )
}
