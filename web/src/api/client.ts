import createClient from 'openapi-fetch'
import type { Problem, paths } from './_schema.gen'
import { ApiError, asApiError, problemOf } from './problem'

/** The header that shows that a write comes from the console itself (internal/server/session). */
const writeHeader = 'X-CSRF-Token'

let writeToken = ''

/** Remembers the token for writes that /api/v1/me gave for this session. */
export function setWriteToken(token: string): void {
  writeToken = token
}

/** The API, typed by its OpenAPI description. Use it through {@link answer}. */
export const api = createClient<paths>({
  // Looked up with each request, so that tests can put another in its place.
  fetch: (request) => globalThis.fetch(request),
  credentials: 'same-origin',
})

api.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && writeToken) request.headers.set(writeHeader, writeToken)
    return request
  },
})

interface Result<T> {
  data?: T
  error?: unknown
  response: Response
}

/**
 * Makes a request and gives its body; it fails with an ApiError. A write that was refused for the token of an earlier
 * session (somebody signed in anew in another tab) is tried once more with the token of this one.
 */
export async function answer<T>(request: () => Promise<Result<T>>): Promise<T> {
  try {
    return await settle(await request())
  } catch (cause) {
    const failed = asApiError(cause)
    if (failed.status === 403 && /session's token/.test(failed.message) && (await renewWriteToken())) {
      return settle(await request())
    }
    throw failed
  }
}

function settle<T>({ data, error, response }: Result<T>): T {
  if (response.ok) return data as T
  if (typeof error === 'object' && error !== null && 'detail' in error) {
    throw new ApiError({ ...(error as Problem), status: response.status })
  }
  throw new ApiError({ status: response.status, title: response.statusText })
}

/** Says whether there is another token than before. */
async function renewWriteToken(): Promise<boolean> {
  const before = writeToken
  const { data } = await api.GET('/api/v1/me')
  if (data?.csrfToken) setWriteToken(data.csrfToken)
  return writeToken !== before
}

/** Signs out and gives the page to go to: the identity provider's, where it has one for that. */
export async function signOut(): Promise<string> {
  const response = await fetch('/auth/logout', { method: 'POST', headers: { [writeHeader]: writeToken } })
  if (!response.ok) throw await problemOf(response)
  const { redirect } = (await response.json()) as { redirect: string }
  return redirect
}

/** The page that signs in and comes back to where one was. */
export function signInPage(back: string): string {
  return `/auth/login?return=${encodeURIComponent(back)}`
}
