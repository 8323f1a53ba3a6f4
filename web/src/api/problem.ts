import type { components } from './schema'

type Body = components['schemas']['Problem']

export type FieldError = NonNullable<Body['errors']>[number]

/** Problem is what a call throws when its answer is not a success: RFC 9457, or status 0 when there was no answer at all. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  readonly requestId: string | undefined
  readonly errors: FieldError[]
  /** Seconds to wait before it makes sense to try again. */
  readonly retryAfter: number | undefined

  constructor(body: Partial<Body> & Pick<Body, 'status' | 'detail'>, retryAfter?: number) {
    super(body.detail)
    this.status = body.status
    this.title = body.title ?? 'Something went wrong'
    this.requestId = body.request_id
    this.errors = body.errors ?? []
    this.retryAfter = retryAfter
  }

  /** of makes a problem of an answer and its parsed body. A proxy in between may have answered something else than a problem. */
  static of(response: Response, body: unknown): Problem {
    const wait = Number(response.headers.get('Retry-After')) || undefined
    if (isBody(body)) return new Problem(body, wait)
    return new Problem({ status: response.status, title: response.statusText, detail: `The server answered ${response.status} and did not say why.` }, wait)
  }

  static unreachable(): Problem {
    return new Problem({ status: 0, title: 'No answer', detail: 'The server cannot be reached. Check your connection; what you typed is still here.' })
  }

  /** transient tells whether the same call may succeed a moment later. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
  }

  /** byField are the messages of single fields, ready for a form. */
  get byField(): Record<string, string> {
    const found: Record<string, string> = {}
    for (const { field, message } of this.errors) found[field] = found[field] ? `${found[field]}; ${message}` : message
    return found
  }
}

function isBody(body: unknown): body is Body {
  return typeof body === 'object' && body !== null && 'status' in body && 'detail' in body
}

/** asProblem names what was thrown, whatever it is. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem({ status: -1, title: 'This page failed', detail: thrown instanceof Error ? thrown.message : String(thrown) })
}
