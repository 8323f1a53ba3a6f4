import type { Schemas } from './client'
import { Problem } from './problem'
import { renew } from './send'

type Bound = Partial<Record<'site_id' | 'freezer_id' | 'computer_id' | 'container_uuid', number | string>>

/** upload sends a file and tells how far it is, from 0 to 1. */
export async function upload(file: File, bound: Bound, progress: (part: number) => void, signal: AbortSignal): Promise<Schemas['Attachment']> {
  const form = new FormData()
  for (const [name, value] of Object.entries(bound)) form.append(name, String(value))
  form.append('file', file)
  return (await post<Schemas['Attachment']>('/api/v1/attachments', form, progress, signal)).body
}

interface Posted<T> {
  body: T
  requestId: string | undefined
}

/** post sends a body of its own type and tells how far it is, from 0 to 1. It does not go by fetch, which cannot tell that. */
export async function post<T>(address: string, body: FormData | Blob, progress: (part: number) => void, signal: AbortSignal): Promise<Posted<T>> {
  const at = Date.now()
  try {
    return await once(address, body, progress, signal)
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 401 && (await renew(at))) return once(address, body, progress, signal)
    throw thrown
  }
}

function once<T>(address: string, body: FormData | Blob, progress: (part: number) => void, signal: AbortSignal): Promise<Posted<T>> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.responseType = 'json'
    request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0)
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve({ body: request.response as T, requestId: request.getResponseHeader('X-Request-Id') ?? undefined })
      const headers = new Headers({ 'Retry-After': request.getResponseHeader('Retry-After') ?? '' })
      reject(Problem.of(new Response(null, { status: request.status, headers }), request.response))
    }
    request.onerror = () => reject(Problem.unreachable())
    request.onabort = () => reject(new DOMException('given up', 'AbortError'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', address)
    request.send(body)
  })
}
