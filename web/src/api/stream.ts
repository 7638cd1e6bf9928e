import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { StreamEnd } from './_schema.gen'
import { ApiError, asApiError, problemOf } from './problem'

/** How a stream is followed. */
export interface Watch<T> {
  signal: AbortSignal
  /** Takes each event's data, in order. */
  item: (data: T) => void
  /** Is told when a connection stands. `fromStart` says that what was seen before comes once more. */
  open?: (fromStart: boolean) => void
}

/** Waiting times between attempts, in milliseconds. */
const waits = [500, 1000, 2000, 5000, 10_000]

/**
 * Follows server-sent events until the server says that there are no more, or the signal aborts. A connection that
 * breaks is made anew, from the last event on. It fails with an ApiError where another attempt is of no use.
 *
 * EventSource is not used because it hides why a request was refused.
 */
export async function watch<T>(path: string, options: Watch<T>): Promise<void> {
  const connection = new Connection<T>(path, options)
  for (let failures = 0; !options.signal.aborted; failures++) {
    const seen = connection.last
    try {
      const end = await connection.follow()
      if (end && !end.reconnect) {
        if (end.problem) throw new ApiError(end.problem)
        return
      }
    } catch (cause) {
      if (options.signal.aborted) return
      const failed = asApiError(cause)
      if (!failed.transient) throw failed
    }
    if (connection.last !== seen) failures = 0
    await pause(waits[Math.min(failures, waits.length - 1)] ?? 0, options.signal)
  }
}

class Connection<T> {
  /** ID of the last event that was seen. */
  last = ''

  constructor(
    private readonly path: string,
    private readonly options: Watch<T>,
  ) {}

  /** Gives the server's last word, and nothing where the connection just broke. */
  async follow(): Promise<StreamEnd | undefined> {
    const { signal, item, open } = this.options
    const headers: Record<string, string> = { Accept: 'text/event-stream' }
    if (this.last) headers['Last-Event-ID'] = this.last
    const response = await fetch(this.path, { headers, signal, credentials: 'same-origin' })
    if (!response.ok || !response.body) throw await problemOf(response)
    open?.(this.last === '')
    const text = response.body.pipeThrough(new TextDecoderStream())
    const reader = text.pipeThrough(new EventSourceParserStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return undefined
      const data: unknown = JSON.parse(value.data)
      if (value.event === 'end') return data as StreamEnd
      if (value.id) this.last = value.id
      item(data as T)
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
