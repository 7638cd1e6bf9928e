import type { GateProgress, PromotionSummary } from '~/api/_schema.gen'
import { count, sentence } from '~/lib/words'
import './progress.css'

/** How many gates of a promotion pass, as a bar of as many parts. */
export function GateBar({ progress: p }: { progress: GateProgress }) {
  const parts = [
    ...Array.from({ length: p.passed }, (_, i) => ({ key: `pass-${i}`, tone: 'good' })),
    ...p.waits.map((w) => ({ key: w.name, tone: w.verdict === 'fail' ? 'bad' : 'warn' })),
  ]
  return (
    <span className="gate-bar">
      <span className="gate-bar-parts" aria-hidden="true">
        {parts.map((part) => (
          <span key={part.key} className={part.tone} />
        ))}
      </span>
      <span className="small muted nowrap">
        {p.passed} of {count(p.total, 'gate')} passed
      </span>
    </span>
  )
}

/** What a promotion waits for: each gate that does not pass, and why. */
export function WaitsFor({ promotion: p }: { promotion: PromotionSummary }) {
  if (!p.progress || p.progress.waits.length === 0) {
    return p.reason ? <p className="muted small">{sentence(p.reason)}</p> : null
  }
  return (
    <ul className="waits small">
      {p.progress.waits.map((w) => (
        <li key={w.name}>
          <span className="strong">{sentence(w.name)}</span> <span className="muted">{brief(w.reason)}</span>
        </li>
      ))}
    </ul>
  )
}

/** The first part of a reason; the promotion's own page has all of it. */
function brief(reason: string): string {
  return reason.split(/;\s/)[0] ?? reason
}
