import { withRenewal } from './authFetch'
import { basePath } from './basePath'
import { Problem } from './problem'

interface UploadResult<T> {
  body: T
  requestId: string | undefined
}

/**
 * upload sends a file to a path of the API and reports the progress from 0 to 1. It uses XMLHttpRequest, because fetch
 * does not report upload progress.
 */
export async function upload<T>(
  path: string,
  body: FormData | Blob,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<UploadResult<T>> {
  const response = await withRenewal(() => sendOnce(path, body, onProgress, signal, headers))
  if (response.status >= 200 && response.status < 300)
    return { body: response.response as T, requestId: response.getResponseHeader('X-Request-Id') ?? undefined }
  const problemHeaders = new Headers({ 'Retry-After': response.getResponseHeader('Retry-After') ?? '' })
  throw Problem.fromResponse(new Response(null, { status: response.status, headers: problemHeaders }), response.response)
}

function sendOnce(
  path: string,
  body: FormData | Blob,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
  headers: Record<string, string>,
): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted() // may have been aborted during the renewal
    const request = new XMLHttpRequest()
    request.responseType = 'json'
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0)
    request.onload = () => resolve(request)
    request.onerror = () => reject(Problem.unreachable())
    request.onabort = () => reject(new DOMException('Upload aborted', 'AbortError'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', basePath + path)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.send(body)
  })
}
