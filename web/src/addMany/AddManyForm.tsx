import { Button, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'

import { ProblemAlert, useLeaveWarning } from '../components/form'
import { ResultAlert } from '../components/ResultAlert'
import { useGoBack } from '../components/useGoBack'
import { EditableGrid } from '../editableGrid/EditableGrid'
import { createSheet, isBlank, type Sheet, type SheetRow } from '../editableGrid/sheet'
import { type AddManyOptions, useAddMany } from './useAddMany'

/** TargetField is the props of the field for the target. */
export interface TargetField {
  value: string
  onChange: (target: string) => void
  error: string | undefined
  required: boolean
  w: { base: string; xs: number }
}

interface Props extends AddManyOptions {
  itemNames: { one: string; many: string }
  /** The field for what the rows are added to. */
  renderTarget: (field: TargetField) => ReactNode
  /** What the user must choose: "a site". */
  targetNoun: string
  /** The initial target, or ''. */
  initialTarget: string
  /** Returns the name of a target. */
  useTargetName: (target: string) => string
  /** Tells targets with equal names apart. */
  renderTargetDetail?: (target: string) => ReactNode
  /** Returns whether rows can be added without a target: each of them says where it goes. */
  canOmitTarget?: (rows: readonly SheetRow[]) => boolean
  /** Buttons that fill in cells. */
  renderTools?: (target: string, onChange: (update: (sheet: Sheet) => Sheet) => void) => ReactNode
  /** Links to the new rows. */
  renderLinks: (target: string) => ReactNode
  /** Opens the list, if there is no previous page to return to. */
  onCancel: () => void
}

const initialRows = Array.from({ length: 10 }, () => [])
const maxRows = 2000

/** AddManyForm adds many rows to a target that is chosen once. */
export function AddManyForm({
  itemNames,
  renderTarget,
  targetNoun,
  initialTarget,
  useTargetName,
  renderTargetDetail,
  canOmitTarget,
  renderTools,
  renderLinks,
  onCancel,
  ...options
}: Props) {
  const { columns } = options
  const [target, setTarget] = useState(initialTarget)
  const [sheet, setSheet] = useState(() => createSheet(columns.length, initialRows, maxRows))
  const [hasTried, setHasTried] = useState(false)
  const targetName = useTargetName(target)
  const goBack = useGoBack(onCancel)
  const rows = useMemo(() => sheet.rows.filter((row) => !isBlank(row)), [sheet.rows])
  const { save, isSaving, added, problem, errors, targetError, hasFailed, reset } = useAddMany(target, rows, options)
  useLeaveWarning(rows.length > 0 && !added)
  const countRows = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? itemNames.one : itemNames.many}`

  const addMore = () => {
    setSheet(createSheet(columns.length, initialRows, maxRows))
    setHasTried(false)
    reset()
  }

  if (added)
    return (
      <ResultAlert
        title={`${countRows(added.count)} added${targetName && ` to ${targetName}`}`}
        message={`Added ${countRows(added.count)}`}
        requestId={added.requestId}
        links={renderLinks(target)}
        actions={
          <Button variant="default" onClick={addMore}>
            Add more
          </Button>
        }
      />
    )
  const hasTarget = target !== '' || (rows.length > 0 && canOmitTarget?.(rows) === true)
  const handleSave = () => {
    setHasTried(true)
    if (hasTarget && rows.length > 0) save()
  }
  return (
    <Stack gap="md">
      <Group align="start" gap="md">
        {renderTarget({
          required: canOmitTarget === undefined,
          w: { base: '100%', xs: 360 },
          value: target,
          error: hasTried && !hasTarget ? `Choose ${targetNoun}` : targetError,
          onChange: (nextTarget) => {
            setTarget(nextTarget)
            reset() // the errors of the former target
          },
        })}
        {target !== '' && renderTargetDetail && (
          <Text size="sm" c="dimmed" mt={30}>
            {renderTargetDetail(target)}
          </Text>
        )}
        {renderTools?.(target, setSheet)}
      </Group>
      <EditableGrid label={`New ${itemNames.many}`} columns={columns} sheet={sheet} onChange={setSheet} errors={errors}>
        <Group gap="xs">
          <Button onClick={handleSave} loading={isSaving}>
            Add {rows.length === 0 ? itemNames.many : countRows(rows.length)}
          </Button>
          <Button variant="default" onClick={goBack}>
            Cancel
          </Button>
          <Text size="sm" c="var(--critical)" role="alert">
            {hasTried && rows.length === 0 && 'Fill in at least one row.'}
            {hasFailed && errors.length > 0 && 'Nothing was added. Correct the errors.'}
          </Text>
        </Group>
        {errors.length === 0 && !targetError && problem && <ProblemAlert problem={problem} />}
      </EditableGrid>
    </Stack>
  )
}
