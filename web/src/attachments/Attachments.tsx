import { ActionIcon, FileButton, Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { type DragEvent, useState } from 'react'

import { asProblem } from '../api/problem'
import { bytes } from '../components/formatBytes'
import { type Column, DataTable } from '../components/DataTable'
import { DeleteDialog } from '../components/DeleteDialog'
import { Icon } from '../components/icons'
import { Empty } from '../components/placeholders'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { useMay } from '../session/api'
import { attach, type Attachment, attachmentsQuery, deleteAttachment, type Thing } from './api'

interface Sending {
  id: number
  name: string
  part: number
  stop: () => void
}

let lastSending = 0

/** Attachments shows the files of a thing, and takes new ones: chosen, or dropped onto it. */
export function Attachments({ of }: { of: Thing }) {
  const queryClient = useQueryClient()
  const options = attachmentsQuery(of)
  const { queryKey } = options
  const query = useInfiniteQuery(options)
  const [sending, setSending] = useState<Sending[]>([])
  const [going, setGoing] = useState<Attachment>()
  const may = useMay('operator')

  const send = async (file: File) => {
    const stop = new AbortController()
    const id = ++lastSending
    setSending((all) => [...all, { id, name: file.name, part: 0, stop: () => stop.abort() }])
    try {
      await attach(file, of, (part) => setSending((all) => all.map((one) => (one.id === id ? { ...one, part } : one))), stop.signal)
      toast(`${file.name} is stored`)
    } catch (thrown) {
      if (!stop.signal.aborted) toast(`${file.name}: ${asProblem(thrown).message}`, 'bad')
    } finally {
      setSending((all) => all.filter((one) => one.id !== id))
      void queryClient.invalidateQueries({ queryKey })
    }
  }
  const sendAll = async (files: File[]) => {
    for (const file of files) await send(file) // one after the other: the server takes few at once
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    if (may) void sendAll([...event.dataTransfer.files])
  }
  const columns: Column<Attachment>[] = [
    { id: 'name', header: 'Name', value: (row) => row.name, cell: (row) => <FileLink file={row} /> },
    { id: 'type', header: 'Type', value: (row) => row.type },
    { id: 'size', header: 'Size', value: (row) => row.size, cell: (row) => bytes(row.size), end: true },
    { id: 'owner', header: 'From', value: (row) => row.owner },
    { id: 'created_at', header: 'Added', value: (row) => row.created_at, cell: (row) => <TimeAgo at={row.created_at} /> },
  ]
  if (may)
    columns.push({
      id: 'delete',
      header: 'Delete',
      value: () => null,
      cell: (row) => (
        <ActionIcon variant="subtle" color="gray" aria-label={`Delete ${row.name}`} onClick={() => setGoing(row)}>
          <Icon name="close" size={16} />
        </ActionIcon>
      ),
    })
  return (
    // Dropping is a second way; the button does the same.
    <div onDragOver={(event) => may && event.preventDefault()} onDrop={drop}>
      <DataTable label="Attachments" query={query} columns={columns} rowKey={(row) => row.id} empty={<Empty icon="file" title="No files" />} />
      <Stack gap="xs" mt="sm">
        {sending.map(({ id, name, part, stop }) => (
          <Group key={id} wrap="nowrap" gap="sm">
            <Text size="sm" truncate w={200}>
              {name}
            </Text>
            <Progress value={part * 100} aria-label={`Sending ${name}`} flex={1} />
            <ActionIcon variant="subtle" color="gray" aria-label={`Stop sending ${name}`} onClick={stop}>
              <Icon name="close" size={16} />
            </ActionIcon>
          </Group>
        ))}
        {may && (
          <FileButton multiple onChange={(files) => void sendAll(files)}>
            {(props) => (
              <Button {...props} variant="default" leftSection={<Icon name="upload" size={16} />} style={{ alignSelf: 'start' }}>
                Add files
              </Button>
            )}
          </FileButton>
        )}
      </Stack>
      {going && (
        <DeleteDialog
          what={going.name}
          remove={(how) => deleteAttachment(going, how)}
          deleted={() => {
            setGoing(undefined)
            toast(`${going.name} is deleted`)
            void queryClient.invalidateQueries({ queryKey })
          }}
          close={() => setGoing(undefined)}
        />
      )}
    </div>
  )
}

function FileLink({ file }: { file: Attachment }) {
  return (
    <Text component="a" href={file.url} download={file.name} size="sm" c="var(--mantine-color-anchor)">
      {file.name}
    </Text>
  )
}
