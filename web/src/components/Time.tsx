import { useNow, useSeconds } from '~/lib/now'
import { ago, duration, moment } from '~/lib/words'

/** A moment, as its distance from now; in full where one looks closer. */
export function Time({ at }: { at: string }) {
  const now = useNow()
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, now)}
    </time>
  )
}

/** A moment in full. */
export function Moment({ at }: { at: string }) {
  return <time dateTime={at}>{moment(at)}</time>
}

/** How long something took, or has taken so far. */
export function Took({ from, to }: { from?: string; to?: string }) {
  if (!from) return null
  return <span className="muted nowrap">{to ? duration(from, to) : <Since from={from} />}</span>
}

/** How long something has taken, counted up. The server's clock may be ahead. */
function Since({ from }: { from: string }) {
  const now = useSeconds()
  return duration(from, new Date(Math.max(now, Date.parse(from))).toISOString())
}
