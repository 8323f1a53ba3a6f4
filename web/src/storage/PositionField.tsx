import { Button, Group, Popover, TextInput, type TextInputProps } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'

import { containerLabels } from '../containers/api'
import { type Contents, contentsQuery } from './api'
import { PositionGrid } from './PositionGrid'
import { buildCells, type GridShape, listFree, toGridShape } from './positions'

interface Props extends Omit<TextInputProps, 'onChange' | 'value'> {
  /** UUID of the container with the grid. */
  parent: string
  value: string
  onChange: (position: string) => void
}

/** PositionField is a position in the grid of a container, which is typed or chosen from the free ones. */
export function PositionField({ parent, value, onChange, ...rest }: Props) {
  const { data } = useQuery(contentsQuery(parent))
  const shape = data && toGridShape(data)
  if (data && !shape)
    return (
      <TextInput label={containerLabels.position} description="This container has no rows and columns." disabled {...rest} />
    )
  return (
    <Group gap={6} align="start" wrap="nowrap">
      <TextInput
        label={containerLabels.position}
        description={data?.free == null ? 'Free positions' : `${data.free.toLocaleString('en')} free`}
        autoComplete="off"
        style={{ flex: 1 }}
        {...rest}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      {data && shape && <FreePositions data={data} shape={shape} value={value} onChange={onChange} />}
    </Group>
  )
}

interface FreePositionsProps {
  data: Contents
  shape: GridShape
  value: string
  onChange: (position: string) => void
}

function FreePositions({ data, shape, value, onChange }: FreePositionsProps) {
  const [isOpen, setIsOpen] = useState(false)
  const cells = useMemo(() => buildCells(shape, data.contents), [shape, data.contents])
  const [next] = listFree(cells)
  return (
    <>
      <Popover opened={isOpen} onChange={setIsOpen} withinPortal={false} position="bottom-end" shadow="md" trapFocus returnFocus>
        <Popover.Target>
          <Button variant="default" mt={belowLabels} onClick={() => setIsOpen(!isOpen)}>
            Choose…
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Free positions" maw="min(92vw, 40rem)" p={6}>
          <PositionGrid
            label="Free positions"
            shape={shape}
            cells={cells}
            look={pickerLook}
            chosen={value || next}
            isPicker
            onChoose={({ label }) => {
              onChange(label)
              setIsOpen(false)
            }}
          />
        </Popover.Dropdown>
      </Popover>
      {next && (
        <Button variant="default" mt={belowLabels} onClick={() => onChange(next)}>
          Next free
        </Button>
      )}
    </>
  )
}

/** belowLabels aligns the buttons with the field, which has a label and a description. */
const belowLabels = 38 // px

const pickerLook = { isDetailed: false, categoryOf: undefined }
