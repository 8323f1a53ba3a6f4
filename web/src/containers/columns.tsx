import { FreezerLink } from '../freezers/FreezerLink'
import type { Column } from '../components/DataTable'
import { TextLink } from '../components/links'
import { type Container, titleOf } from './api'

const name: Column<Container> = {
  id: 'description',
  header: 'Description',
  value: titleOf,
  cell: (one) => (
    <TextLink to="/containers/$uuid" params={{ uuid: one.uuid }}>
      {titleOf(one)}
    </TextLink>
  ),
}

const label: Column<Container> = { id: 'uuid', header: 'Label', value: (one) => one.uuid }

/** columnsInFreezer are the columns where it is clear in which freezer the containers are. */
export const columnsInFreezer: Column<Container>[] = [name, label]

export const containerColumns: Column<Container>[] = [
  name,
  label,
  { id: 'freezer', header: 'Freezer', value: (one) => one.freezer_id, cell: (one) => <FreezerLink id={one.freezer_id} /> },
]
