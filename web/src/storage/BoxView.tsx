import { Group, NativeSelect, Stack, Text, VisuallyHidden } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'

import { SegmentedButtons } from '../components/SegmentedButtons'
import { containerTitle } from '../containers/api'
import { usePersonName } from '../people/PersonName'
import { usePermission } from '../session/api'
import type { Content, Contents } from './api'
import { categorize, type Colouring, colourings } from './colours'
import { Legend } from './Legend'
import { PositionGrid } from './PositionGrid'
import { PositionList } from './PositionList'
import { buildCells, type Cell, toGridShape } from './positions'
import { UnplacedContents } from './UnplacedContents'
import { useColouring, useIsList } from './useColouring'
import { usePositionMove } from './usePositionMove'

interface Props {
  contents: Contents
  /** What the container is called. */
  name: string
  /** The label of the position, or the UUID of the container, that is shown beside the grid. */
  chosen?: string | undefined
  onChoose: (cell: Cell | { content: Content }) => void
  /** UUID of the container that the next chosen free position receives. */
  moving: string | undefined
  onMovingChange: (uuid: string | undefined) => void
  /** Fixes what the colours show. */
  colouring?: Colouring
  /** Buttons for several selected positions. */
  rangeActions?: (cells: Cell[]) => ReactNode
}

const detailedColumns = 6

const views = [
  { value: undefined, label: 'Grid' },
  { value: 'list', label: 'List' },
] as const

/** BoxView shows what lies in a container with a grid, as a grid or a list. */
export function BoxView({
  contents,
  name,
  chosen,
  onChoose,
  moving: movingUuid,
  onMovingChange,
  colouring,
  rangeActions,
}: Props) {
  const [ownColouring, setColouring] = useColouring()
  const [isList, setIsList] = useIsList()
  const canMove = usePermission('operator')
  const move = usePositionMove(contents.uuid)
  const [announcement, setAnnouncement] = useState('')
  const shape = useMemo(() => toGridShape(contents), [contents])
  const cells = useMemo(() => (shape ? buildCells(shape, contents.contents) : []), [shape, contents.contents])
  const shownColouring = colouring ?? ownColouring
  const { categories, look } = useLook(contents.contents, shownColouring, (shape?.columns ?? 0) <= detailedColumns)
  const states = useMemo(() => new Set(cells.flatMap((row) => row.map(({ state }) => state))), [cells])
  if (!shape) return null
  const handleMove = (content: Content, target: Cell) => {
    onMovingChange(undefined)
    setAnnouncement(`Moved ${containerTitle(content)} to ${target.label}`)
    move(content, target)
  }
  const moving = contents.contents.find(({ uuid }) => uuid === movingUuid)
  const unplaced = contents.contents.filter(({ position }) => position === null)
  const chosenLabel =
    contents.contents.find(({ uuid }) => uuid === chosen)?.position ?? (chosen?.includes('-') ? undefined : chosen)
  return (
    <Stack gap="xs">
      <Group gap="xs" justify="space-between">
        {!colouring && (
          <NativeSelect
            size="xs"
            aria-label="Colours show"
            value={ownColouring}
            onChange={(event) => setColouring(event.currentTarget.value as Colouring)}
            data={colourings.map(({ value, label }) => ({ value, label: `Colour: ${label.toLowerCase()}` }))}
          />
        )}
        <SegmentedButtons
          label="Positions as"
          options={views}
          value={isList ? 'list' : undefined}
          onChange={(value) => setIsList(value === 'list')}
        />
      </Group>
      {moving && (
        <Text size="sm" role="status">
          Moving {containerTitle(moving)}: choose a free position, or press Esc to cancel.
        </Text>
      )}
      {isList ? (
        <PositionList name={name} cells={cells} />
      ) : (
        <>
          <PositionGrid
            key={contents.uuid}
            label={`Positions of ${name}`}
            shape={shape}
            cells={cells}
            look={look}
            chosen={chosenLabel ?? undefined}
            onChoose={onChoose}
            onMove={canMove ? handleMove : undefined}
            moving={moving}
            onMovingChange={(content) => onMovingChange(content?.uuid)}
            {...(rangeActions && { rangeActions })}
          />
          <Legend categories={look.isDetailed && !look.categoryOf ? [] : categories} shown={states} />
        </>
      )}
      <UnplacedContents contents={unplaced} chosen={chosen} onChoose={(content) => onChoose({ content })} />
      <VisuallyHidden role="status">{announcement}</VisuallyHidden>
    </Stack>
  )
}

/** useLook returns the categories of containers and how the cells of a grid look. */
function useLook(contents: Content[], colouring: Colouring, isDetailed: boolean) {
  const personName = usePersonName()
  const nameOf = (value: string) => (colouring === 'owner' ? personName(value) : value)
  const ownerNames = colouring === 'owner' ? contents.map(({ owner }) => owner && personName(owner)).join('\n') : ''
  return useMemo(() => {
    if (colouring === 'occupancy') return { categories: undefined, look: { isDetailed, categoryOf: undefined } }
    const { categories, byValue } = categorize(contents, colouring, nameOf)
    const categoryOf = ({ content }: Cell) => (content ? byValue.get(content[colouring] ?? '') : undefined)
    return { categories, look: { isDetailed, categoryOf } }
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the function of names changes with each render, the names do not
  }, [contents, colouring, isDetailed, ownerNames])
}
