import type { ReactNode } from 'react'
import type { RunStep } from '~/api/_schema.gen'
import { sentence } from '~/lib/words'
import { StatusIcon, toneOf } from './Status'
import { Took } from './Time'
import './steps.css'

interface Props {
  steps: RunStep[]
  /** Stands below a step. */
  below?: (step: RunStep) => ReactNode
}

/** Steps of a run, one after the other, with how far each is. */
export function Steps({ steps, below }: Props) {
  if (steps.length === 0) return <p className="muted">No steps are known yet.</p>
  return (
    <ol className="steps">
      {steps.map((s) => (
        <li key={s.id} className={toneOf(s.state)}>
          <StatusIcon state={s.state} />
          <div className="stack tight">
            <div className="row between">
              <span className={s.state === 'skipped' || s.state === 'pending' ? 'muted' : 'strong'}>
                {sentence(s.name || s.id)}
              </span>
              <span className="small">
                <Took from={s.started} to={s.finished} />
              </span>
            </div>
            {s.error && <p className="field-error">{sentence(s.error)}</p>}
            {below?.(s)}
          </div>
        </li>
      ))}
    </ol>
  )
}
