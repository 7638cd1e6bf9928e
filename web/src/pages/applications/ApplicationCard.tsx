import { Link } from 'react-router'
import type { ApplicationSummary, Build, PromotionSummary } from '~/api/_schema.gen'
import { Status } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { stagesOf } from '~/lib/releases'
import { count, short } from '~/lib/words'
import { Track } from './Track'

interface Props {
  application: ApplicationSummary
  moving: PromotionSummary[]
  governed: Set<string>
  /** The level of its heading. */
  level?: 2 | 3
}

/** An application in a list: what runs where, what is on its way, and its last build. */
export function ApplicationCard({ application: a, moving, governed, level = 3 }: Props) {
  const Heading = `h${level}` as const
  const previews = a.deployments.length - stagesOf(a.deployments).length
  return (
    <article className="card link app-card">
      <div className="row between">
        <div className="app-name">
          <Heading>
            <Link to={paths.application(a.team, a.name)}>{a.title || a.name}</Link>
          </Heading>
          <span className="muted small">{a.team}</span>
        </div>
        {a.build && <LastBuild build={a.build} />}
      </div>
      {a.description && <p className="muted small">{a.description}</p>}
      <Track deployments={a.deployments} moving={moving} governed={governed} />
      {previews > 0 && <p className="muted small">and {count(previews, 'preview')} of pull requests</p>}
    </article>
  )
}

function LastBuild({ build }: { build: Build }) {
  const at = build.finished ?? build.started
  return (
    <p className="muted small row">
      <span>
        Build <code>{short(build.commit).slice(0, 7)}</code>
        {at && (
          <>
            {' '}
            <Time at={at} />
          </>
        )}
      </span>
      <Status state={build.state} />
    </p>
  )
}
