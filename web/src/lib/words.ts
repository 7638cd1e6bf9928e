/** How things are written: times, digests, sizes, names. */

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Number.POSITIVE_INFINITY],
]

/** How long ago, or how far ahead, a moment is: "5 minutes ago", "in 3 days". */
export function ago(at: string, now: number): string {
  let distance = (Date.parse(at) - now) / 1000
  for (const [unit, next] of steps) {
    if (Math.abs(distance) < next)
      return unit === 'second' ? soon(distance) : relative.format(Math.round(distance), unit)
    distance /= next
  }
  return at
}

function soon(seconds: number): string {
  if (Math.abs(seconds) < 10) return 'just now'
  return relative.format(Math.round(seconds), 'second')
}

/** A moment in full, in the reader's own zone. */
export function moment(at: string): string {
  return new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
}

/** The time from one moment to another: "1 min 5 s". */
export function duration(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds} s`
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A digest or commit, short enough to read: "sha256:9f86d0818…" is "9f86d081884c". */
export function short(digest: string): string {
  return digest.replace(/^[a-z0-9]+:/, '').slice(0, 12)
}

/** A number of bytes: "1.4 kB". */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return `${(bytes / 1000).toFixed(1)} kB`
}

/** "1 file", "2 files". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}

/** The first letter in capitals, for the start of a sentence. */
export function sentence(text: string): string {
  return text === '' ? '' : (text[0] as string).toUpperCase() + text.slice(1)
}

/** An entity's reference ("component:default/orders") in its parts. */
export function parseRef(ref: string): { kind: string; namespace: string; name: string } {
  const match = /^(?:([^:/]+):)?(?:([^:/]+)\/)?(.+)$/.exec(ref)
  return { kind: match?.[1] ?? '', namespace: match?.[2] ?? 'default', name: match?.[3] ?? ref }
}

/** What a reference is called where its kind is clear: without the kind, and without the default namespace. */
export function refName(ref: string): string {
  const { namespace, name } = parseRef(ref)
  return namespace === 'default' ? name : `${namespace}/${name}`
}
