import { Button, Checkbox, Group, Radio, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'

import { useUndoToast } from '../changesets/useUndoToast'
import { Dialog } from '../components/Dialog'
import type { PlaceKey } from '../storage/placeKey'
import { PlacePicker } from '../storage/PlacePicker'
import { type FillOrder, type MoveItem, moveContainers, type MoveOrder, roomQuery } from './api'
import { ConflictList } from './ConflictList'
import { countContainers } from './pickOrder'
import { PlanReview } from './PlanReview'
import { PositionFields } from './PositionFields'
import { TargetRoom } from './TargetRoom'
import { useMovePlan } from './useMovePlan'

interface Props {
  items: readonly MoveItem[]
  /** Where the containers lie now, in words. */
  currentPlace?: string | undefined
  onMoved?: (() => void) | undefined
  onClose: () => void
}

/** MoveDialog moves containers to a freezer or into a container: it shows the plan first, and then does it. */
export default function MoveDialog({ items, currentPlace, onMoved, onClose }: Props) {
  const [choice, setChoice] = useState(initialChoice)
  const showUndoToast = useUndoToast()
  const { makePlan, plan, hasChanged, move, problem, isPlanning, isMoving, discard } = useMovePlan<MoveOrder>({
    write: moveContainers,
    onMoved: ({ moved, requestId }) => {
      onClose()
      onMoved?.()
      showUndoToast(`${countContainers(moved)} moved`, requestId)
    },
  })
  const title = items.length === 1 ? `Move ${items[0]?.title}` : `Move ${countContainers(items.length)}`
  const conflicts = <ConflictList problem={problem} items={items.map((item) => item.title)} places={['Target']} />
  return (
    <Dialog
      onClose={onClose}
      title={title}
      size={plan ? '62rem' : 'lg'}
      isDirty={Object.values(choice.positions).some(Boolean)}
    >
      {plan ? (
        <PlanReview
          plan={plan}
          hasChanged={hasChanged}
          count={items.length}
          pickListTitle={title}
          conflicts={conflicts}
          moveLabel={`Move ${countContainers(plan.moved)}`}
          isMoving={isMoving}
          onMove={move}
          onBack={discard}
        />
      ) : (
        <TargetForm
          items={items}
          currentPlace={currentPlace}
          choice={choice}
          onChange={(changes) => {
            setChoice({ ...choice, ...changes })
            discard()
          }}
          conflicts={conflicts}
          isPlanning={isPlanning}
          onPlan={makePlan}
          onCancel={onClose}
        />
      )}
    </Dialog>
  )
}

type Filling = FillOrder | 'given'

interface Choice {
  to: PlaceKey | ''
  filling: Filling
  keepPositions: boolean
  /** By the UUID of a container. */
  positions: Record<string, string>
}

const initialChoice: Choice = { to: '', filling: 'rows', keepPositions: false, positions: {} }

const fillings: readonly { value: Filling; label: string }[] = [
  { value: 'rows', label: 'Row by row' },
  { value: 'columns', label: 'Column by column' },
  { value: 'same_type', label: 'Next to the same type' },
  { value: 'given', label: 'Give positions' },
]
const maxGiven = 1000 // fields

interface TargetFormProps {
  items: readonly MoveItem[]
  currentPlace: string | undefined
  choice: Choice
  onChange: (changes: Partial<Choice>) => void
  conflicts: ReactNode
  isPlanning: boolean
  onPlan: (order: MoveOrder) => void
  onCancel: () => void
}

/** TargetForm chooses where containers go, and which positions they get. */
function TargetForm({
  items,
  currentPlace,
  choice: { to, filling, keepPositions, positions },
  onChange,
  conflicts,
  isPlanning,
  onPlan,
  onCancel,
}: TargetFormProps) {
  const { data: room } = useQuery({ ...roomQuery(to || 'freezer 0'), enabled: to !== '' })
  const hasGrid = to !== '' && (room?.positions.length ?? 0) > 0
  const isGiven = hasGrid && filling === 'given'
  const handleSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (to === '') return
    onPlan({
      to,
      items,
      positions: isGiven ? positions : {},
      order: filling === 'given' ? 'rows' : filling,
      keepPositions: hasGrid && !isGiven && keepPositions,
    })
  }
  return (
    <form onSubmit={handleSubmit}>
      <Stack>
        <PlacePicker
          label="Move to"
          description={currentPlace && `Currently in ${currentPlace}`}
          value={to}
          onChange={(to) => onChange({ to })}
          data-autofocus
        />
        {room && to !== '' && <TargetRoom room={room} count={items.length} />}
        {hasGrid && (
          <Radio.Group
            label="Positions"
            value={filling}
            onChange={(filling) => onChange({ filling: filling as Filling })}
          >
            <Group gap="md" mt={4}>
              {fillings
                .filter(({ value }) => value !== 'given' || items.length <= maxGiven)
                .map((option) => (
                  <Radio key={option.value} {...option} />
                ))}
            </Group>
          </Radio.Group>
        )}
        {isGiven && (
          <PositionFields items={items} positions={positions} onChange={(positions) => onChange({ positions })} />
        )}
        {hasGrid && !isGiven && (
          <Checkbox
            label="Keep the present positions where they are free"
            checked={keepPositions}
            onChange={(event) => onChange({ keepPositions: event.currentTarget.checked })}
          />
        )}
        {conflicts}
        <Group justify="end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={isPlanning} disabled={to === ''}>
            Plan
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
