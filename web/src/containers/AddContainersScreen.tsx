import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { AddManyForm } from '../addMany/AddManyForm'
import { toProblem } from '../api/problem'
import { TextLink } from '../components/links'
import { Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { toast } from '../components/toast'
import type { EditableColumn } from '../editableGrid/columns'
import type { Sheet, SheetRow } from '../editableGrid/sheet'
import { freezerQuery } from '../freezers/api'
import { usePeople } from '../people/api'
import { usePermission } from '../session/api'
import { useSiteNames } from '../sites/SiteLink'
import { freePositionsQuery, pathQuery } from '../storage/api'
import { fillPositions } from '../storage/fillPositions'
import { parsePlaceKey, placeKeyOf } from '../storage/placeKey'
import { PlacePicker, usePlaceName } from '../storage/PlacePicker'
import { addContainers, containerLabels as labels, containerTitle } from './api'
import { findDuplicateBarcodes, findUsedBarcodes } from './barcodeErrors'
import { toNewContainers } from './newRows'

const columns: EditableColumn[] = [
  { id: 'description', header: labels.description },
  { id: 'barcode', header: labels.barcode, detail: 'Scan, or leave empty', width: 13, isCode: true, acceptsScan: true },
  { id: 'position', header: labels.position, width: 5.5 },
  { id: 'kind', header: labels.kind, width: 5.5 },
  { id: 'type', header: labels.type, width: 7 },
  { id: 'project', header: labels.project, width: 8 },
  { id: 'owner', header: labels.owner, width: 8 },
  { id: 'quantity', header: labels.quantity, width: 5.5 },
  { id: 'unit', header: labels.unit, width: 4.5 },
  { id: 'expires_on', header: labels.expires_on, detail: 'YYYY-MM-DD', width: 7 },
  { id: 'rows', header: labels.rows, width: 4.5 },
  { id: 'columns', header: labels.columns, width: 5 },
  { id: 'capacity', header: labels.capacity, width: 5.5 },
  { id: 'parent', header: labels.parent_uuid, detail: 'Barcode, if another container', width: 12, isCode: true },
]

const columnOf = (name: string) => columns.findIndex(({ id }) => id === name)
const barcodeColumn = columnOf('barcode')
const positionColumn = columnOf('position')
const parentColumn = columnOf('parent')
const findLocalErrors = (rows: readonly SheetRow[]) => findDuplicateBarcodes(rows, barcodeColumn)
const findErrors = (rows: readonly SheetRow[]) => findUsedBarcodes(rows, barcodeColumn)
const hasOwnParents = (rows: readonly SheetRow[]) => rows.every(({ cells }) => cells[parentColumn]?.trim())

const targetFields = ['freezer_id', 'parent_uuid']
const aliases = { uuid: 'barcode' }

/** AddContainersScreen adds many containers to a freezer or a box. The URL can preset it. */
export function AddContainersScreen() {
  const canAdd = usePermission('operator')
  const navigate = useNavigate()
  const { people = [] } = usePeople() ?? {}
  const { freezer_id, parent } = useSearch({ from: '/containers/add' })
  return (
    <Screen title="Add containers" breadcrumb={<TextLink to="/containers">Containers</TextLink>}>
      {canAdd ? (
        <AddManyForm
          itemNames={{ one: 'container', many: 'containers' }}
          columns={columns}
          renderTarget={(field) => <PlacePicker label={labels.parent_uuid} {...field} />}
          targetFields={targetFields}
          targetNoun="a freezer or a container"
          aliases={aliases}
          initialTarget={placeKeyOf({ freezer_id: Number(freezer_id) || null, parent_uuid: parent })}
          useTargetName={usePlaceName}
          renderTargetDetail={(target) => <TargetDetail target={target} />}
          canOmitTarget={hasOwnParents}
          renderTools={(target, onChange) => <FillButton target={target} onChange={onChange} />}
          addRows={(target, rows, options) => addContainers(toNewContainers(target, rows, people), options)}
          findLocalErrors={findLocalErrors}
          findErrors={findErrors}
          renderLinks={(target) => <TargetLink target={target} />}
          onCancel={() => void navigate({ to: '/containers' })}
        />
      ) : (
        <Forbidden />
      )}
    </Screen>
  )
}

function TargetLink({ target }: { target: string }) {
  const { freezer_id, container_uuid: uuid } = parsePlaceKey(target) ?? {}
  const props = { underline: 'always', size: 'sm' } as const
  if (uuid)
    return (
      <TextLink to="/containers/$uuid" params={{ uuid }} {...props}>
        View contents
      </TextLink>
    )
  return (
    <TextLink to="/containers" search={freezer_id ? { freezer_id: String(freezer_id) } : undefined} {...props}>
      View containers
    </TextLink>
  )
}

/** TargetDetail distinguishes freezers and containers with equal names. */
function TargetDetail({ target }: { target: string }) {
  const { freezer_id, container_uuid } = parsePlaceKey(target) ?? {}
  if (container_uuid) return <ParentPlace uuid={container_uuid} />
  return freezer_id === undefined ? null : <FreezerSite id={freezer_id} />
}

function ParentPlace({ uuid }: { uuid: string }) {
  const { data } = useQuery(pathQuery(uuid))
  return data && `in ${[data.freezer_name, ...data.path.slice(0, -1).map(containerTitle)].join(' › ')}`
}

function FreezerSite({ id }: { id: number }) {
  const getSiteName = useSiteNames()
  const { data } = useQuery(freezerQuery(id))
  return data && `at ${getSiteName(data.site_id)}`
}

interface FillButtonProps {
  target: string
  onChange: (update: (sheet: Sheet) => Sheet) => void
}

/** FillButton writes the free positions of the chosen container into the rows. */
function FillButton({ target, onChange }: FillButtonProps) {
  const parent = parsePlaceKey(target)?.container_uuid
  const queryClient = useQueryClient()
  const { data } = useQuery({ ...freePositionsQuery(parent ?? ''), enabled: parent !== undefined })
  if (!parent || !data || data.positions.length === 0) return null
  const fill = () =>
    queryClient.fetchQuery({ ...freePositionsQuery(parent), staleTime: 0 }).then(
      ({ positions }) => onChange((sheet) => fillPositions(sheet, positionColumn, positions)),
      (error: unknown) => toast(toProblem(error).message, 'error'),
    )
  return (
    <Button variant="default" mt={24} onClick={() => void fill()}>
      Fill free positions ({data.positions.length.toLocaleString('en')})
    </Button>
  )
}
