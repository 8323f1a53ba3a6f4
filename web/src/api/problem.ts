import { describeFieldError, fieldLabel } from './fieldErrors'
import type { components } from './schema'

type ProblemBody = components['schemas']['Problem']

export type FieldError = NonNullable<ProblemBody['errors']>[number]

/**
 * Problem is the error of a failed request: an RFC 9457 problem of the server, or status 0 if there was no response.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  /** The path of its page, such as /problems/conflict. */
  readonly type: string | undefined
  readonly requestId: string | undefined
  /** The errors of fields, in the words of a form. */
  readonly errors: FieldError[]
  /** Seconds to wait before a retry. */
  readonly retryAfter: number | undefined

  constructor(body: Partial<ProblemBody> & Pick<ProblemBody, 'status' | 'detail'>, retryAfter?: number) {
    super(describeDetail(body))
    this.status = body.status
    this.title = body.title ?? 'Something went wrong'
    this.type = body.type
    this.requestId = body.request_id
    this.errors = toWordsOfForm(body.errors ?? [])
    this.retryAfter = retryAfter
  }

  /** fromResponse creates a problem from a response and its parsed body, which is not a problem if a proxy sent it. */
  static fromResponse(response: Response, body: unknown): Problem {
    const retryAfter = Number(response.headers.get('Retry-After')) || undefined
    if (isProblemBody(body)) return new Problem(body, retryAfter)
    return new Problem(
      {
        status: response.status,
        title: 'Request failed',
        detail: `The server returned status ${response.status} without an explanation.`,
      },
      retryAfter,
    )
  }

  static unreachable(): Problem {
    return new Problem({
      status: 0,
      title: 'No connection',
      detail: 'The server cannot be reached. Check your connection. Your input is kept.',
    })
  }

  /** isTransient reports whether a retry may succeed. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
  }

  /** messagesByField returns the messages of each field for a form. */
  get messagesByField(): Record<string, string> {
    const messages = new Map<string, Set<string>>()
    for (const { field, message } of this.errors) messages.set(field, (messages.get(field) ?? new Set()).add(message))
    return Object.fromEntries([...messages].map(([field, texts]) => [field, [...texts].join('; ')]))
  }

  /** describeErrors returns the messages of the fields that a form does not have, with their names. */
  describeErrors(formFields: readonly string[]): string {
    return describeErrors(this.errors.filter(({ field }) => !formFields.includes(field)))
  }
}

/** toWordsOfForm returns errors with the messages that forms show. */
const toWordsOfForm = (errors: readonly FieldError[]): FieldError[] =>
  errors.map((error) => ({ ...error, message: describeFieldError(error.message) }))

const describeErrors = (errors: readonly FieldError[]): string =>
  errors.map(({ field, message }) => `${fieldLabel(field)}: ${message}`).join('; ')

/** describeDetail returns the detail of a problem. One that only lists the errors is put into the words of a form. */
function describeDetail({ detail, errors = [] }: Pick<ProblemBody, 'detail' | 'errors'>): string {
  const list = errors.map(({ field, message }) => `${field}: ${message}`).join('; ')
  return list !== '' && detail === `${list}.` ? describeErrors(toWordsOfForm(errors)) : detail
}

function isProblemBody(body: unknown): body is ProblemBody {
  return typeof body === 'object' && body !== null && 'status' in body && 'detail' in body
}

/** toProblem converts any thrown value to a Problem. Errors of the app itself have status -1. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem({
    status: -1,
    title: 'Something went wrong',
    detail: error instanceof Error ? error.message : String(error),
  })
}
