import type { Run, RunEvent, RunStep } from '~/api/_schema.gen'

/** A run as it stands, with its log by step. */
export interface Progress {
  run: Run
  /** Lines of the log by the step's ID; those of the run as a whole under "". */
  log: Record<string, string[]>
  /** IDs of the events that were taken in. */
  seen: Set<string>
}

export function begin(run: Run): Progress {
  return { run, log: {}, seen: new Set() }
}

/** Takes an event in. What was seen before changes nothing. */
export function advance(before: Progress, event: RunEvent): Progress {
  if (before.seen.has(event.id)) return before
  const seen = new Set(before.seen).add(event.id)
  const step = event.step ?? ''
  const log =
    event.line === undefined ? before.log : { ...before.log, [step]: [...(before.log[step] ?? []), event.line] }
  return { run: event.state ? withState(before.run, event) : before.run, log, seen }
}

function withState(run: Run, { step, state, at }: RunEvent): Run {
  if (!state) return run
  if (!step) return state === 'skipped' ? run : { ...run, state }
  return { ...run, steps: run.steps.map((s) => (s.id === step ? stepAt(s, state, at) : s)) }
}

function stepAt(step: RunStep, state: RunStep['state'], at: string): RunStep {
  if (state === 'running') return { ...step, state, started: step.started ?? at }
  return { ...step, state, started: step.started ?? at, finished: at }
}

/** A link among what a template outputs. */
export interface OutputLink {
  title: string
  /** Out of the console, or the reference of an entity. */
  url?: string
  entityRef?: string
}

/** What a template outputs, as far as it has the form that Backstage gives it. */
export function outputs(output: Record<string, unknown> | undefined): {
  links: OutputLink[]
  texts: { title: string; content: string }[]
} {
  const list = (value: unknown) =>
    Array.isArray(value) ? value.filter((v): v is Record<string, unknown> => typeof v === 'object' && v !== null) : []
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const links = list(output?.links).map((l) => ({
    title: text(l.title) ?? text(l.entityRef) ?? text(l.url) ?? 'Link',
    url: text(l.url),
    entityRef: text(l.entityRef),
  }))
  const texts = list(output?.text).map((t) => ({ title: text(t.title) ?? '', content: text(t.content) ?? '' }))
  const plain = text(output?.text)
  return {
    links: links.filter((l) => l.url ?? l.entityRef),
    texts: plain ? [{ title: '', content: plain }] : texts.filter((t) => t.content),
  }
}
