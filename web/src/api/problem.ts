import type { components } from './schema'

type ProblemBody = components['schemas']['Problem']

export type FieldError = NonNullable<ProblemBody['errors']>[number]

/** Problem is what a call throws when its answer is not a success: RFC 9457, or status 0 when there was no answer at all. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  readonly requestId: string | undefined
  readonly errors: FieldError[]
  /** Seconds to wait before it makes sense to try again. */
  readonly retryAfter: number | undefined

  constructor(body: Partial<ProblemBody> & Pick<ProblemBody, 'status' | 'detail'>, retryAfter?: number) {
    super(body.detail)
    this.status = body.status
    this.title = body.title ?? 'Something went wrong'
    this.requestId = body.request_id
    this.errors = body.errors ?? []
    this.retryAfter = retryAfter
  }

  /** fromResponse makes a problem of an answer and its parsed body. A proxy in between may have answered something else than a problem. */
  static fromResponse(response: Response, body: unknown): Problem {
    const retryAfter = Number(response.headers.get('Retry-After')) || undefined
    if (isProblemBody(body)) return new Problem(body, retryAfter)
    return new Problem({ status: response.status, title: response.statusText, detail: `The server answered ${response.status} and did not say why.` }, retryAfter)
  }

  static unreachable(): Problem {
    return new Problem({ status: 0, title: 'No answer', detail: 'The server cannot be reached. Check your connection; what you typed is still here.' })
  }

  /** isTransient tells whether the same call may succeed a moment later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
  }

  /** messagesByField are the messages of single fields, ready for a form. */
  get messagesByField(): Record<string, string> {
    const messages: Record<string, string> = {}
    for (const { field, message } of this.errors) messages[field] = messages[field] ? `${messages[field]}; ${message}` : message
    return messages
  }
}

function isProblemBody(body: unknown): body is ProblemBody {
  return typeof body === 'object' && body !== null && 'status' in body && 'detail' in body
}

/** toProblem names what was thrown, whatever it is. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem({ status: -1, title: 'This page failed', detail: error instanceof Error ? error.message : String(error) })
}
