import type { Column } from '../components/DataTable'
import { TextLink } from '../components/links'
import { FreezerLink } from '../freezers/FreezerLink'
import { type Container, containerTitle } from './api'

const descriptionColumn: Column<Container> = {
  id: 'description',
  header: 'Description',
  value: containerTitle,
  cell: (container) => (
    <TextLink to="/containers/$uuid" params={{ uuid: container.uuid }}>
      {containerTitle(container)}
    </TextLink>
  ),
}

const barcodeColumn: Column<Container> = {
  id: 'uuid',
  header: 'Barcode',
  value: (container) => container.uuid,
  width: 23.5, // the longest UUID in a wide font
}

/** freezerContainerColumns are the columns on the screen of a freezer, without the freezer. */
export const freezerContainerColumns: Column<Container>[] = [descriptionColumn, barcodeColumn]

export const containerColumns: Column<Container>[] = [
  descriptionColumn,
  barcodeColumn,
  {
    id: 'freezer',
    header: 'Freezer',
    value: (container) => container.freezer_id,
    cell: (container) => <FreezerLink id={container.freezer_id} />,
  },
]
