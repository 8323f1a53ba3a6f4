import { Text } from '@mantine/core'

import { TextLink } from '../components/links'
import { type Column, RowTable } from '../components/RowTable'
import { containerTitle } from '../containers/api'
import { ContainerStatusBadge, statusLabel } from '../containers/status'
import { PersonName } from '../people/PersonName'
import type { Cell } from './positions'
import { listFree } from './positions'

type TakenCell = Cell & { content: NonNullable<Cell['content']> }

const columns: Column<TakenCell>[] = [
  {
    id: 'description',
    header: 'Container',
    value: ({ content }) => containerTitle(content),
    cell: ({ content }) => (
      <TextLink to="/containers/$uuid" params={{ uuid: content.uuid }}>
        {containerTitle(content)}
      </TextLink>
    ),
  },
  { id: 'position', header: 'Position', value: ({ label }) => label, width: 5 },
  { id: 'type', header: 'Type', value: ({ content }) => content.type, width: 7 },
  {
    id: 'owner',
    header: 'Owner',
    value: ({ content }) => content.owner,
    cell: ({ content }) => content.owner && <PersonName username={content.owner} />,
    width: 9,
  },
  { id: 'project', header: 'Project', value: ({ content }) => content.project, width: 8 },
  {
    id: 'status',
    header: 'Status',
    value: ({ content }) => statusLabel(content.status),
    cell: ({ content }) => <ContainerStatusBadge status={content.status} />,
    width: 7.5,
  },
]

const shownFree = 20

interface Props {
  name: string
  cells: Cell[][]
}

/** PositionList is the positions of a container as a table: what lies at them, and which are free. */
export function PositionList({ name, cells }: Props) {
  const taken = cells.flat().filter((cell): cell is TakenCell => cell.content !== undefined)
  const free = listFree(cells)
  return (
    <>
      <RowTable label={`Contents of ${name}`} columns={columns} rows={taken} rowKey={({ label }) => label} />
      <Text size="sm">
        {free.length === 0
          ? 'No free positions'
          : `${free.length.toLocaleString('en')} free: ${free.slice(0, shownFree).join(', ')}${free.length > shownFree ? ', …' : ''}`}
      </Text>
    </>
  )
}
