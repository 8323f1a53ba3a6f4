import { Button, FileButton, Group, NativeSelect, Text } from '@mantine/core'
import { type DragEvent, useRef, useState } from 'react'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { asProblem } from '../api/problem'
import { bytes } from '../components/formatBytes'
import { Icon } from '../components/icons'
import { Screen } from '../components/Screen'
import { Forbidden } from '../components/placeholders'
import { toast } from '../components/toast'
import { includes, useMay, useSession } from '../session/api'
import { open, type Source } from './api'
import { kinds, type Kind } from './importTargets'
import { Steps } from './ImportSteps'

/** ImportScreen takes many rows from a CSV file, all or none. */
export function ImportScreen() {
  const may = useMay('operator')
  return <Screen title="Import">{may ? <Choose /> : <Forbidden />}</Screen>
}

function Choose() {
  const role = useSession()?.role
  const { into } = useSearch({ strict: false }) as { into?: string }
  const navigate = useNavigate()
  const [source, setSource] = useState<Source & { id: number }>()
  const [over, setOver] = useState(false)
  const reset = useRef<() => void>(null)
  const mine = kinds.filter((one) => includes(role, one.role))
  const kind = mine.find(({ name }) => name === into) ?? (mine[0] as Kind)
  const take = async (file: File | null | undefined) => {
    if (!file) return
    try {
      setSource({ ...(await open(file)), id: Date.now() })
    } catch (thrown) {
      toast(`${file.name} cannot be read: ${asProblem(thrown).message}`, 'bad')
    }
    reset.current?.() // so that the same file can be chosen again once it is mended
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void take(event.dataTransfer.files[0])
  }
  return (
    <>
      <Group align="end">
        <NativeSelect
          label="What it is"
          data={mine.map(({ name, label }) => ({ value: name, label }))}
          value={kind.name}
          onChange={(event) => void navigate({ to: '/import', search: { into: event.currentTarget.value }, replace: true })}
        />
      </Group>
      {/* Dropping is a second way; the button does the same. */}
      <Group
        p="lg"
        bdrs="md"
        bd={`1px dashed var(--mantine-color-${over ? 'anchor' : 'dimmed'})`}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <FileButton resetRef={reset} accept=".csv,.tsv,.txt,text/csv" onChange={(file) => void take(file)}>
          {(props) => (
            <Button {...props} variant={source ? 'default' : 'filled'} leftSection={<Icon name="file" size={16} />}>
              {source ? 'Choose another file' : 'Choose a file'}
            </Button>
          )}
        </FileButton>
        <Text style={{ overflowWrap: 'anywhere' }}>{source ? `${source.file.name}, ${bytes(source.file.size)}` : 'or drop a CSV file here. Its first line names the columns.'}</Text>
      </Group>
      {source && source.header.length === 0 && <Text role="alert">{source.file.name} is empty.</Text>}
      {source && source.header.length > 0 && <Steps key={`${source.id} ${kind.name}`} source={source} kind={kind} />}
    </>
  )
}
