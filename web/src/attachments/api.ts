import { api, ifMatch, type Schemas, unwrapEmpty } from '../api/client'
import { upload } from '../api/upload'

// API calls for attachments.

export type Attachment = Schemas['Attachment']

/** AttachmentParent is the row that attachments belong to. */
export type AttachmentParent =
  { site_id: number } | { freezer_id: number } | { computer_id: number } | { container_uuid: string }

/** uploadAttachment uploads a file and reports the progress from 0 to 1. */
export async function uploadAttachment(
  file: File,
  parent: AttachmentParent,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Attachment> {
  const form = new FormData()
  for (const [name, value] of Object.entries(parent)) form.append(name, String(value))
  form.append('file', file)
  return (await upload<Attachment>('/api/v1/attachments', form, onProgress, signal)).body
}

export const deleteAttachment = (file: Attachment, { dryRun }: { dryRun: boolean }) =>
  unwrapEmpty(
    api.DELETE('/api/v1/attachments/{id}', {
      params: { path: { id: file.id }, query: { dry_run: dryRun }, header: ifMatch(file) },
    }),
  )
