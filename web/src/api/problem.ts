import type { Problem } from './_schema.gen'

/** What went wrong with a request: the server's problem details (RFC 9457), or that there was no answer at all. */
export class ApiError extends Error {
  /** HTTP status; 0 where the server could not be reached. */
  readonly status: number
  /** The next step; empty where the server named none. */
  readonly hint: string
  /** What is wrong with single fields. */
  readonly fields: { location?: string; message: string }[]
  /** The request as the server's log names it. */
  readonly request: string

  constructor(problem: Partial<Problem> & { status: number }) {
    super(problem.detail || problem.title || `the server answered with status ${problem.status}`)
    this.name = 'ApiError'
    this.status = problem.status
    this.hint = problem.hint ?? ''
    this.fields = problem.errors ?? []
    this.request = problem.instance?.replace(/^urn:slipway:request:/, '') ?? ''
  }

  /** The platform has no such backend (yet): nothing is broken. */
  get absent(): boolean {
    return this.status === 501
  }

  /** Worth another try without anybody doing anything. */
  get transient(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status)
  }
}

/** Reads an answer that is no success. A body that is no problem, as a proxy's, is left aside. */
export async function problemOf(response: Response): Promise<ApiError> {
  const type = response.headers.get('Content-Type') ?? ''
  if (/\bjson\b/.test(type)) {
    const body: unknown = await response.json().catch(() => undefined)
    if (typeof body === 'object' && body !== null && 'detail' in body) {
      return new ApiError({ ...(body as Problem), status: response.status })
    }
  }
  return new ApiError({ status: response.status, title: response.statusText })
}

/** Makes an ApiError of whatever a request failed with. */
export function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause
  if (cause instanceof TypeError) {
    // What fetch throws where there is no answer.
    return new ApiError({
      status: 0,
      detail: 'the server cannot be reached',
      hint: 'check the connection; this page tries again by itself',
    })
  }
  return new ApiError({ status: 500, detail: cause instanceof Error ? cause.message : String(cause) })
}
