import { Problem } from './problem'
import { signedIn } from './authFetch'

interface Posted<T> {
  body: T
  requestId: string | undefined
}

/** post sends a body of its own type and tells how far it is, from 0 to 1. It does not go by fetch, which cannot tell that. */
export async function post<T>(address: string, body: FormData | Blob, progress: (part: number) => void, signal: AbortSignal): Promise<Posted<T>> {
  const answer = await signedIn(() => once(address, body, progress, signal))
  if (answer.status >= 200 && answer.status < 300) return { body: answer.response as T, requestId: answer.getResponseHeader('X-Request-Id') ?? undefined }
  const headers = new Headers({ 'Retry-After': answer.getResponseHeader('Retry-After') ?? '' })
  throw Problem.of(new Response(null, { status: answer.status, headers }), answer.response)
}

function once(address: string, body: FormData | Blob, progress: (part: number) => void, signal: AbortSignal): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted() // a session may have been renewed meanwhile
    const request = new XMLHttpRequest()
    request.responseType = 'json'
    request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0)
    request.onload = () => resolve(request)
    request.onerror = () => reject(Problem.unreachable())
    request.onabort = () => reject(new DOMException('given up', 'AbortError'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', address)
    request.send(body)
  })
}
