import { ActionIcon, Group, Progress, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { toProblem } from '../api/problem'
import { DeleteDialog } from '../components/DeleteDialog'
import { FileDropzone } from '../components/FileDropzone'
import { Icon } from '../components/icons'
import { EmptyState } from '../components/placeholders'
import { toast } from '../components/toast'
import { DataGrid } from '../grid/DataGrid'
import type { RowActions } from '../grid/types'
import { useGrid } from '../grid/useGrid'
import { attachmentsList } from '../lists/attachments'
import { usePermission } from '../session/api'
import { type Attachment, type AttachmentParent, deleteAttachment, uploadAttachment } from './api'

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
  const scope = Object.fromEntries(Object.entries(parent).map(([name, id]) => [name, String(id)]))
  const grid = useGrid(attachmentsList, { scope, prefix: 'attachments.' })
  const queryKey = [attachmentsList.noun]
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
  const rowActions: RowActions<Attachment> = {
    header: 'Actions',
    width: 5,
    render: (row) => (
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={`Delete ${row.name}`}
        onClick={() => setFileToDelete(row)}
      >
        <Icon name="delete" size={16} />
      </ActionIcon>
    ),
  }
  return (
    <>
      <Stack gap="xs" mb="sm">
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
          <FileDropzone
            button="Upload files"
            icon="upload"
            isMultiple
            onFiles={(files) => void uploadFiles(files)}
          >
            or drop files here
          </FileDropzone>
        )}
      </Stack>
      <DataGrid
        grid={grid}
        isEmbedded
        rowActions={canEdit ? rowActions : undefined}
        empty={<EmptyState icon="file" title="No attachments" />}
      />
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
    </>
  )
}
