import type { RunStep } from '~/api/_schema.gen'
import { sentence } from '~/lib/words'
import { Status } from './Status'
import { Took } from './Time'

/** Steps of a run, with how far each is. */
export function Steps({ steps }: { steps: RunStep[] }) {
  if (steps.length === 0) return <p className="muted">No steps are known.</p>
  return (
    <ol className="rows">
      {steps.map((s) => (
        <li key={s.id}>
          <div className="row between">
            <span>
              <span className="strong">{s.name || s.id}</span>
              {s.action && <span className="muted small"> {s.action}</span>}
            </span>
            <span className="row">
              <Took from={s.started} to={s.finished} />
              <Status state={s.state} />
            </span>
          </div>
          {s.error && <p className="field-error">{sentence(s.error)}</p>}
        </li>
      ))}
    </ol>
  )
}
