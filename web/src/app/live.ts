import { type QueryClient, type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Event } from '~/api/_schema.gen'
import { watch } from '~/api/stream'

/** How long changes are gathered before what they concern is asked for anew, in milliseconds. */
const gather = 250

let live = false

/** Says whether the server tells of changes, so that nobody has to ask. */
export function isLive(): boolean {
  return live
}

/** The areas of queries that an event of a type concerns, by the first word of the type. */
const concerns: Record<string, string[]> = {
  application: ['applications', 'catalog'],
  build: ['applications'],
  deployment: ['applications', 'environments'],
  environment: ['environments', 'applications'],
  release: ['applications'],
  promotion: ['promotions', 'applications', 'audit'],
  decision: ['audit', 'promotions'],
  finding: ['audit'],
  entity: ['catalog', 'templates'],
  catalog: ['catalog', 'templates'],
  template: ['templates', 'runs'],
  run: ['runs', 'applications'],
  platform: ['platform'],
  capability: ['platform'],
}

/** The keys of the queries that an event makes stale; an unknown type makes all of them so. */
export function staleKeys(event: Pick<Event, 'type'>): QueryKey[] {
  const areas = concerns[event.type.split(/[.-]/)[0] ?? '']
  return areas ? areas.map((area) => [area]) : [[]]
}

/** Follows the server's events while the page is looked at, and has what they concern asked for anew. */
export function useLive(): void {
  const client = useQueryClient()
  useEffect(() => {
    let stop = () => {}
    const look = () => {
      stop()
      stop = document.visibilityState === 'visible' ? start(client) : () => {}
    }
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
      stop()
    }
  }, [client])
}

function start(client: QueryClient): () => void {
  const abort = new AbortController()
  const pending = new Map<string, QueryKey>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    timer = undefined
    for (const queryKey of pending.values()) void client.invalidateQueries({ queryKey })
    pending.clear()
  }
  watch<Event>('/api/v1/events', {
    signal: abort.signal,
    open: () => {
      live = true
    },
    item: (event) => {
      for (const key of staleKeys(event)) pending.set(JSON.stringify(key), key)
      timer ??= setTimeout(flush, gather)
    },
  })
    // Without events, what is shown is asked for again and again instead (client.ts).
    .catch(() => {})
    .finally(() => {
      live = false
    })
  return () => {
    abort.abort()
    clearTimeout(timer)
  }
}
