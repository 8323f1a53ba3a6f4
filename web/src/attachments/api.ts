import { api, done, etag, page, type Schemas } from '../api/client'
import { paged } from '../api/queries'
import { post } from '../api/upload'

// Everything that the app asks of attachments.

export type Attachment = Schemas['Attachment']

/** A Thing is what files belong to. */
export type Thing = { site_id: number } | { freezer_id: number } | { computer_id: number } | { container_uuid: string }

export const attachmentsQuery = (of: Thing) =>
  paged(['attachments', of], (after, signal) => page(api.GET('/api/v1/attachments', { params: { query: { ...of, after } }, signal })))

/** attach sends a file and tells how far it is, from 0 to 1. */
export async function attach(file: File, of: Thing, progress: (part: number) => void, signal: AbortSignal): Promise<Attachment> {
  const form = new FormData()
  for (const [name, value] of Object.entries(of)) form.append(name, String(value))
  form.append('file', file)
  return (await post<Attachment>('/api/v1/attachments', form, progress, signal)).body
}

export const deleteAttachment = (file: Attachment, { dryRun }: { dryRun: boolean }) =>
  done(api.DELETE('/api/v1/attachments/{id}', { params: { path: { id: file.id }, query: { dry_run: dryRun }, header: etag(file) } }))
