import { Link } from 'react-router'
import type { ApplicationSummary, Build, Deployment } from '~/api/_schema.gen'
import { Status } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { short } from '~/lib/words'
import './pipeline.css'

interface Props {
  application: ApplicationSummary
  /** The level of its heading. */
  level?: 2 | 3
}

/** An application in a list: what runs where, and its last build. */
export function ApplicationCard({ application: a, level = 3 }: Props) {
  const Heading = `h${level}` as const
  return (
    <article className="card link">
      <div className="row between">
        <Heading>
          <Link to={paths.application(a.team, a.name)}>{a.title || a.name}</Link>
        </Heading>
        <span className="muted small">{a.team}</span>
      </div>
      {a.description && <p className="muted">{a.description}</p>}
      <Strip deployments={a.deployments} />
      {a.build && <LastBuild build={a.build} />}
    </article>
  )
}

/** The environments of an application in the order of promotion, with the release in each. */
function Strip({ deployments }: { deployments: Deployment[] }) {
  if (deployments.length === 0) return <p className="muted">It runs nowhere yet.</p>
  return (
    <ol className="strip" aria-label="Environments">
      {deployments.map((d) => (
        <li key={d.environment}>
          <span className="strong">{d.environment}</span>
          <code>{d.release ? d.release.version || short(d.release.digest) : 'nothing'}</code>
          <Status state={d.health} />
        </li>
      ))}
    </ol>
  )
}

function LastBuild({ build }: { build: Build }) {
  const at = build.finished ?? build.started
  return (
    <p className="muted small row">
      <span>Last build</span>
      <Status state={build.state} />
      <span>
        <code>{short(build.commit)}</code>
        {at && (
          <>
            {' · '}
            <Time at={at} />
          </>
        )}
      </span>
    </p>
  )
}
