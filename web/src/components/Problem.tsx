import { asApiError } from '~/api/problem'
import { sentence } from '~/lib/words'
import { Button } from './Button'
import { Notice } from './Notice'

interface Props {
  /** What was being done, as in "Could not load the applications". */
  doing: string
  error: unknown
  retry?: () => void
}

/** What went wrong: the cause, the next step, and the request's name for who looks into the log. */
export function ProblemNotice({ doing, error, retry }: Props) {
  const problem = asApiError(error)
  if (problem.absent) {
    return (
      <Notice title="Not on this platform yet" live>
        <p>{sentence(problem.message)}.</p>
        <p className="muted">{sentence(problem.hint)}</p>
      </Notice>
    )
  }
  return (
    <Notice tone="bad" title={doing} live>
      <p>{sentence(problem.message)}.</p>
      {problem.fields.length > 0 && (
        <ul>
          {problem.fields.map((f) => (
            <li key={`${f.location} ${f.message}`}>
              {f.location && <code>{f.location.replace(/^(body|path|query)\./, '')}</code>} {f.message}
            </li>
          ))}
        </ul>
      )}
      {problem.hint && <p>Next: {problem.hint}.</p>}
      {problem.request && (
        <p className="muted small">
          Request <code>{problem.request}</code>
        </p>
      )}
      {retry && (
        <p>
          <Button onPress={retry}>Try again</Button>
        </p>
      )}
    </Notice>
  )
}
