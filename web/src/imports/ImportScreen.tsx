import { Button, FileButton, Group, NativeSelect, Text } from '@mantine/core'
import { type DragEvent, useRef, useState } from 'react'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { toProblem } from '../api/problem'
import { formatBytes } from '../components/formatBytes'
import { Icon } from '../components/icons'
import { Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { toast } from '../components/toast'
import { hasRole, usePermission, useSession } from '../session/api'
import { type ImportSource, openFile } from './api'
import { ImportSteps } from './ImportSteps'
import { type ImportTarget, importTargets } from './importTargets'

/** ImportScreen imports rows from a CSV file, all or none. */
export function ImportScreen() {
  const canImport = usePermission('operator')
  return <Screen title="Import">{canImport ? <FilePicker /> : <Forbidden />}</Screen>
}

function FilePicker() {
  const role = useSession()?.role
  const { into } = useSearch({ strict: false }) as { into?: string }
  const navigate = useNavigate()
  const [source, setSource] = useState<ImportSource & { id: number }>()
  const [isDragOver, setIsDragOver] = useState(false)
  const resetRef = useRef<() => void>(null)
  const availableTargets = importTargets.filter((target) => hasRole(role, target.role))
  const target = availableTargets.find(({ name }) => name === into) ?? (availableTargets[0] as ImportTarget)
  const loadFile = async (file: File | null | undefined) => {
    if (!file) return
    try {
      setSource({ ...(await openFile(file)), id: Date.now() })
    } catch (error) {
      toast(`${file.name} cannot be read: ${toProblem(error).message}`, 'error')
    }
    resetRef.current?.() // allows choosing the same file again after fixing it
  }
  const handleDrop = (event: DragEvent) => {
    event.preventDefault()
    setIsDragOver(false)
    void loadFile(event.dataTransfer.files[0])
  }
  return (
    <>
      <Group align="end">
        <NativeSelect
          label="Import into"
          data={availableTargets.map(({ name, label }) => ({ value: name, label }))}
          value={target.name}
          onChange={(event) =>
            void navigate({ to: '/import', search: { into: event.currentTarget.value }, replace: true })
          }
        />
      </Group>
      {/* Drag and drop is optional; the button does the same. */}
      <Group
        p="lg"
        bdrs="md"
        bd={`1px dashed var(--mantine-color-${isDragOver ? 'anchor' : 'dimmed'})`}
        onDragOver={(event) => {
          event.preventDefault()
          setIsDragOver(true)
        }}
        onDragLeave={() => setIsDragOver(false)}
        onDrop={handleDrop}
      >
        <FileButton resetRef={resetRef} accept=".csv,.tsv,.txt,text/csv" onChange={(file) => void loadFile(file)}>
          {(props) => (
            <Button {...props} variant={source ? 'default' : 'filled'} leftSection={<Icon name="file" size={16} />}>
              {source ? 'Choose another file' : 'Choose file'}
            </Button>
          )}
        </FileButton>
        <Text style={{ overflowWrap: 'anywhere' }}>
          {source
            ? `${source.file.name}, ${formatBytes(source.file.size)}`
            : 'or drop a CSV file here. The first row must contain column names.'}
        </Text>
      </Group>
      {source?.problem && (
        <Text role="alert">
          {source.file.name} {source.problem}
        </Text>
      )}
      {source && !source.problem && (
        <ImportSteps key={`${source.id} ${target.name}`} source={source} target={target} />
      )}
    </>
  )
}
