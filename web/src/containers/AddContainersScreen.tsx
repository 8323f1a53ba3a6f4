import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { AddManyForm } from '../addMany/AddManyForm'
import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import type { EditableColumn } from '../editableGrid/columns'
import type { SheetRow } from '../editableGrid/sheet'
import { freezerQuery } from '../freezers/api'
import { useFreezerNames } from '../freezers/FreezerLink'
import { usePermission } from '../session/api'
import { useSiteNames } from '../sites/SiteLink'
import { addContainers } from './api'
import { findDuplicateBarcodes, findUsedBarcodes } from './barcodeErrors'

const columns: EditableColumn[] = [
  { id: 'description', header: 'Description' },
  { id: 'uuid', header: 'Barcode', detail: 'Scan, or leave empty', width: 19.5, isCode: true, acceptsScan: true },
]

/** AddContainersScreen adds many containers to one freezer. The URL can preset the freezer. */
export function AddContainersScreen() {
  const canAdd = usePermission('operator')
  const navigate = useNavigate()
  const { freezer_id = '' } = useSearch({ from: '/containers/add' })
  return (
    <Screen title="Add containers" breadcrumb={<TextLink to="/containers">Containers</TextLink>}>
      {canAdd ? (
        <AddManyForm
          itemNames={{ one: 'container', many: 'containers' }}
          columns={columns}
          targetKind="freezer"
          targetField="freezer_id"
          targetLabel="Freezer"
          initialTargetId={freezer_id}
          useTargetNames={useFreezerNames}
          renderTargetDetail={(id) => <FreezerSite id={id} />}
          addRows={addContainers}
          findLocalErrors={findLocalErrors}
          findErrors={findErrors}
          renderLinks={(freezerId) => (
            <TextLink to="/containers" search={{ freezer_id: freezerId }} underline="always" size="sm">
              View containers
            </TextLink>
          )}
          onCancel={() => void navigate({ to: '/containers' })}
        />
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}

const barcodeColumn = columns.findIndex(({ id }) => id === 'uuid')
const findLocalErrors = (rows: readonly SheetRow[]) => findDuplicateBarcodes(rows, barcodeColumn)
const findErrors = (rows: readonly SheetRow[]) => findUsedBarcodes(rows, barcodeColumn)

/** FreezerSite distinguishes freezers with equal names. */
function FreezerSite({ id }: { id: number }) {
  const getSiteName = useSiteNames()
  const { data } = useQuery(freezerQuery(id))
  return data && `at ${getSiteName(data.site_id)}`
}
