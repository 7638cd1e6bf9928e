import { Lock } from 'lucide-react'
import type { Deployment, PromotionSummary } from '~/api/_schema.gen'
import { StatusIcon, toneOf } from '~/components/Status'
import { releaseName, stagesOf } from '~/lib/releases'
import './track.css'

interface Props {
  deployments: Deployment[]
  /** Promotions of the application that are on their way. */
  moving: PromotionSummary[]
  /** The names of environments that releases come into by promotion only. */
  governed: Set<string>
}

/** An application's way through its environments, in a line: what runs where, and what is on its way. */
export function Track({ deployments, moving, governed }: Props) {
  const stages = stagesOf(deployments)
  if (stages.length === 0) return <p className="muted small">It runs nowhere yet.</p>
  return (
    <ol className="track" aria-label="Environments">
      {stages.map((d) => (
        <li key={d.environment} className={d.release ? toneOf(d.health) : 'vacant'}>
          <span className="track-stop">
            <StatusIcon state={d.release ? d.health : 'vacant'} />
            <span className="track-name">{d.environment}</span>
            {governed.has(d.environment) && (
              <span className="muted track-lock" title="By promotion only">
                <Lock aria-hidden="true" size={12} />
                <span className="hidden">by promotion only</span>
              </span>
            )}
          </span>
          <span className="track-release">
            {d.release ? <code>{releaseName(d.release)}</code> : <span className="muted small">nothing yet</span>}
            {moving
              .filter((p) => p.to === d.environment)
              .map((p) => (
                <span key={p.number} className="track-moving">
                  <span aria-hidden="true">←</span>
                  <span className="hidden">is to get</span> <code>{releaseName(p.release)}</code>
                  {p.progress && (
                    <span className="nowrap">
                      {' '}
                      {p.progress.passed}/{p.progress.total}
                      <span className="hidden"> gates passed</span>
                    </span>
                  )}
                </span>
              ))}
          </span>
        </li>
      ))}
    </ol>
  )
}
