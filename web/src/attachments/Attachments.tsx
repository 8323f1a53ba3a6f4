import { ActionIcon, FileButton, Button, Group, Progress, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { type DragEvent, useState } from 'react'

import { toProblem } from '../api/problem'
import { type Column, DataTable } from '../components/DataTable'
import { DeleteDialog } from '../components/DeleteDialog'
import { formatBytes } from '../components/formatBytes'
import { Icon } from '../components/icons'
import { EmptyState } from '../components/placeholders'
import { TimeAgo } from '../components/TimeAgo'
import { toast } from '../components/toast'
import { usePermission } from '../session/api'
import { type Attachment, type AttachmentParent, attachmentsQuery, deleteAttachment, uploadAttachment } from './api'

interface PendingUpload {
  id: number
  name: string
  fraction: number
  cancel: () => void
}

let lastUploadId = 0

/** Attachments lists the attachments of a row and uploads files that are chosen or dropped. */
export function Attachments({ parent }: { parent: AttachmentParent }) {
  const queryClient = useQueryClient()
  const queryOptions = attachmentsQuery(parent)
  const { queryKey } = queryOptions
  const query = useInfiniteQuery(queryOptions)
  const [uploads, setUploads] = useState<PendingUpload[]>([])
  const [fileToDelete, setFileToDelete] = useState<Attachment>()
  const canEdit = usePermission('operator')

  const uploadFile = async (file: File) => {
    const controller = new AbortController()
    const id = ++lastUploadId
    setUploads((current) => [...current, { id, name: file.name, fraction: 0, cancel: () => controller.abort() }])
    try {
      await uploadAttachment(
        file,
        parent,
        (fraction) =>
          setUploads((current) => current.map((pending) => (pending.id === id ? { ...pending, fraction } : pending))),
        controller.signal,
      )
      toast(`Uploaded ${file.name}`)
    } catch (error) {
      if (!controller.signal.aborted) toast(`${file.name}: ${toProblem(error).message}`, 'error')
    } finally {
      setUploads((current) => current.filter((pending) => pending.id !== id))
      void queryClient.invalidateQueries({ queryKey })
    }
  }
  const uploadFiles = async (files: File[]) => {
    for (const file of files) await uploadFile(file) // one at a time, since the server limits concurrent uploads
  }
  const handleDrop = (event: DragEvent) => {
    event.preventDefault()
    if (canEdit) void uploadFiles([...event.dataTransfer.files])
  }
  const columns: Column<Attachment>[] = [
    { id: 'name', header: 'Name', value: (row) => row.name, cell: (row) => <FileLink file={row} /> },
    { id: 'type', header: 'Type', value: (row) => row.type },
    { id: 'size', header: 'Size', value: (row) => row.size, cell: (row) => formatBytes(row.size), alignEnd: true, width: 7 },
    { id: 'owner', header: 'Uploaded by', value: (row) => row.owner },
    {
      id: 'created_at',
      header: 'Uploaded',
      width: 8.5,
      value: (row) => row.created_at,
      cell: (row) => <TimeAgo at={row.created_at} />,
    },
  ]
  if (canEdit)
    columns.push({
      id: 'delete',
      header: 'Delete',
      width: 6,
      value: () => null,
      cell: (row) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={`Delete ${row.name}`}
          onClick={() => setFileToDelete(row)}
        >
          <Icon name="close" size={16} />
        </ActionIcon>
      ),
    })
  return (
    // Drag and drop is optional; the button does the same.
    <div onDragOver={(event) => canEdit && event.preventDefault()} onDrop={handleDrop}>
      <DataTable
        label="Attachments"
        query={query}
        columns={columns}
        rowKey={(row) => row.id}
        empty={<EmptyState icon="file" title="No attachments" />}
      />
      <Stack gap="xs" mt="sm">
        {uploads.map(({ id, name, fraction, cancel }) => (
          <Group key={id} wrap="nowrap" gap="sm">
            <Text size="sm" truncate w={200}>
              {name}
            </Text>
            <Progress value={fraction * 100} aria-label={`Uploading ${name}`} flex={1} />
            <ActionIcon variant="subtle" color="gray" aria-label={`Cancel upload of ${name}`} onClick={cancel}>
              <Icon name="close" size={16} />
            </ActionIcon>
          </Group>
        ))}
        {canEdit && (
          <FileButton multiple onChange={(files) => void uploadFiles(files)}>
            {(props) => (
              <Button
                {...props}
                variant="default"
                leftSection={<Icon name="upload" size={16} />}
                style={{ alignSelf: 'start' }}
              >
                Upload files
              </Button>
            )}
          </FileButton>
        )}
      </Stack>
      {fileToDelete && (
        <DeleteDialog
          itemName={fileToDelete.name}
          onDelete={(options) => deleteAttachment(fileToDelete, options)}
          onDeleted={() => {
            setFileToDelete(undefined)
            toast(`Deleted ${fileToDelete.name}`)
            void queryClient.invalidateQueries({ queryKey })
          }}
          onClose={() => setFileToDelete(undefined)}
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
