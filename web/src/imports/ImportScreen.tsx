import { Button, Group, NativeSelect, Text } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { FileDropzone } from '../components/FileDropzone'
import { formatBytes } from '../components/formatBytes'
import { Forbidden } from '../components/placeholders'
import { Screen } from '../components/Screen'
import { toast } from '../components/toast'
import { hasRole, usePermission, useSession } from '../session/api'
import { download } from './download'
import { FileImport } from './FileImport'
import { type ImportTarget, importTargets } from './importTargets'
import { type ImportSource, openFile } from './readFile'
import { SheetImport } from './SheetImport'
import { createTemplate } from './template'

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
  const availableTargets = importTargets.filter((target) => hasRole(role, target.role))
  const target = availableTargets.find(({ name }) => name === into) ?? (availableTargets[0] as ImportTarget)
  const loadFile = async ([file]: File[]) => {
    if (!file) return
    try {
      setSource({ ...(await openFile(file)), id: Date.now() })
    } catch (error) {
      toast(`${file.name} cannot be read: ${toProblem(error).message}`, 'error')
    }
  }
  const Rows = source?.isEditable ? SheetImport : FileImport
  return (
    <>
      <Group align="end" gap="sm">
        <NativeSelect
          label="Import into"
          data={availableTargets.map(({ name, label }) => ({ value: name, label }))}
          value={target.name}
          onChange={(event) =>
            void navigate({ to: '/import', search: { into: event.currentTarget.value }, replace: true })
          }
        />
        <Button variant="default" onClick={() => download(createTemplate(target), `${target.name}.csv`)}>
          Download template
        </Button>
      </Group>
      <FileDropzone
        button={source ? 'Choose another file' : 'Choose file'}
        icon="file"
        isPrimary={!source}
        accept=".csv,.tsv,.txt,text/csv"
        onFiles={(files) => void loadFile(files)}
      >
        {source
          ? `${source.file.name}, ${formatBytes(source.file.size)}`
          : 'or drop a CSV file here. The first row must contain column names.'}
      </FileDropzone>
      {source?.problem && (
        <Text role="alert">
          {source.file.name} {source.problem}
        </Text>
      )}
      {source && !source.problem && <Rows key={`${source.id} ${target.name}`} source={source} target={target} />}
    </>
  )
}
