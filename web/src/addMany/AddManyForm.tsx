import { Button, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'

import { ProblemAlert, useLeaveWarning } from '../components/form'
import { Picker } from '../components/Picker'
import { ResultAlert } from '../components/ResultAlert'
import { useGoBack } from '../components/useGoBack'
import { EditableGrid } from '../editableGrid/EditableGrid'
import { createSheet, isBlank } from '../editableGrid/sheet'
import type { EntityKind } from '../search/api'
import { type AddManyOptions, useAddMany } from './useAddMany'

interface Props extends AddManyOptions {
  itemNames: { one: string; many: string }
  /** What the rows are added to. */
  targetKind: EntityKind
  targetLabel: string
  /** The initial target, or ''. */
  initialTargetId: string
  useTargetNames: () => (id: number) => string
  /** Tells targets with equal names apart. */
  renderTargetDetail?: (id: number) => ReactNode
  /** Links to the new rows. */
  renderLinks: (targetId: string) => ReactNode
  /** Opens the list, if there is no previous page to return to. */
  onCancel: () => void
}

const initialRows = Array.from({ length: 10 }, () => [])
const maxRows = 2000

/** AddManyForm adds many rows to a target that is chosen once. */
export function AddManyForm({
  itemNames,
  targetKind,
  targetLabel,
  initialTargetId,
  useTargetNames,
  renderTargetDetail,
  renderLinks,
  onCancel,
  ...options
}: Props) {
  const { columns } = options
  const [targetId, setTargetId] = useState(initialTargetId)
  const [sheet, setSheet] = useState(() => createSheet(columns.length, initialRows, maxRows))
  const [hasTried, setHasTried] = useState(false)
  const getTargetName = useTargetNames()
  const goBack = useGoBack(onCancel)
  const rows = useMemo(() => sheet.rows.filter((row) => !isBlank(row)), [sheet.rows])
  const { save, isSaving, added, problem, errors, targetError, hasFailed, reset } = useAddMany(targetId, rows, options)
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
        title={`${countRows(added.count)} added to ${getTargetName(Number(targetId))}`}
        requestId={added.requestId}
        links={renderLinks(targetId)}
        actions={
          <Button variant="default" onClick={addMore}>
            Add more
          </Button>
        }
      />
    )
  const missingTarget = hasTried && targetId === '' ? `Choose a ${targetLabel.toLowerCase()}` : undefined
  const handleSave = () => {
    setHasTried(true)
    if (targetId !== '' && rows.length > 0) save()
  }
  return (
    <Stack gap="md">
      <Group align="start" gap="md">
        <Picker
          kind={targetKind}
          label={targetLabel}
          required
          w={{ base: '100%', xs: 360 }}
          value={targetId}
          selectedLabel={getTargetName(Number(targetId))}
          error={missingTarget ?? targetError}
          onChange={(id) => {
            setTargetId(id)
            reset() // the errors of the former target
          }}
        />
        {targetId !== '' && renderTargetDetail && (
          <Text size="sm" c="dimmed" mt={30}>
            {renderTargetDetail(Number(targetId))}
          </Text>
        )}
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
