import { useEffect, useState } from 'react'
import type { LogLine } from '~/api/_schema.gen'
import { watch } from '~/api/stream'

/** How many lines are kept: more than anybody reads here, and few enough for a browser. */
const most = 5000

/** Which log is meant; empty fields do not narrow it down. */
export interface LogQuery {
  source: 'runtime' | 'build'
  build?: string
  environment?: string
  container?: string
}

interface Log {
  lines: LogLine[]
  state: 'opening' | 'open' | 'done' | 'failed'
  error?: unknown
  /** Lines that came first are no longer here. */
  dropped: boolean
}

const empty: Log = { lines: [], state: 'opening', dropped: false }

/** Follows a log. */
export function useLog(team: string, application: string, query: LogQuery, live: boolean): Log {
  const [log, setLog] = useState<Log>(empty)
  const path = logPath(team, application, query, live)
  useEffect(() => {
    setLog(empty)
    const abort = new AbortController()
    const lines = new Gathered(setLog)
    watch<LogLine>(path, { signal: abort.signal, open: () => lines.begin(), item: (line) => lines.add(line) }).then(
      () => !abort.signal.aborted && lines.end('done'),
      (error: unknown) => lines.end('failed', error),
    )
    return () => {
      abort.abort()
      lines.stop()
    }
  }, [path])
  return log
}

/** The address of a log. */
export function logPath(team: string, application: string, query: LogQuery, live: boolean): string {
  const wanted = new URLSearchParams({ source: query.source, tail: query.source === 'build' ? '0' : '500' })
  for (const [name, value] of Object.entries({
    build: query.build,
    environment: query.environment,
    container: query.container,
  })) {
    if (value) wanted.set(name, value)
  }
  if (live) wanted.set('follow', 'true')
  return `/api/v1/teams/${team}/applications/${application}/logs?${wanted}`
}

/** Gathers lines and shows them once a frame, since they come by the thousand. */
class Gathered {
  private lines: LogLine[] = []
  private frame = 0
  private dropped = false

  constructor(private readonly show: (log: Log) => void) {}

  /** Lines have no IDs: whenever a log is opened, all of its lines come. */
  begin(): void {
    this.lines = []
    this.dropped = false
    this.soon()
  }

  add(line: LogLine): void {
    this.lines.push(line)
    if (this.lines.length > most * 2) {
      this.lines = this.lines.slice(-most)
      this.dropped = true
    }
    this.soon()
  }

  end(state: 'done' | 'failed', error?: unknown): void {
    this.stop()
    this.draw(state, error)
  }

  stop(): void {
    cancelAnimationFrame(this.frame)
    this.frame = 0
  }

  private soon(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0
      this.draw('open')
    })
  }

  private draw(state: Log['state'], error?: unknown): void {
    const kept = this.lines.slice(-most)
    this.show({ lines: kept, state, error, dropped: this.dropped || kept.length < this.lines.length })
  }
}
