import { useInfiniteQuery } from '@tanstack/react-query'
import { ArrowRight, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Application, Deployment, PromotionSummary, Release } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { environments, promotions } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Digest } from '~/components/Copy'
import { External } from '~/components/External'
import { Status, Tag, toneOf } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { hostOf } from '~/lib/urls'
import { sentence, short } from '~/lib/words'
import { PromoteDialog } from './PromoteDialog'
import './pipeline.css'

/** Promotions that are still on their way. */
const underway = ['open', 'allowed', 'merged']

/** The environments in the order of promotion: the release in each, how it is, and the way to the next. */
export function Pipeline({ application: a }: { application: Application }) {
  const me = useMe()
  const [from, setFrom] = useState<Deployment>()
  const known = useInfiniteQuery(environments)
  const recent = useInfiniteQuery(promotions({ team: a.team, application: a.name, limit: 20 }))
  const governed = new Set(
    known.data?.pages
      .flatMap((p) => p.items)
      .filter((e) => e.governed)
      .map((e) => e.name),
  )
  const stages = a.deployments.filter((d) => !d.preview)
  const previews = a.deployments.filter((d) => d.preview)
  const waiting = recent.data?.pages.flatMap((p) => p.items).filter((p) => underway.includes(p.state)) ?? []
  return (
    <>
      <ol className="pipeline">
        {stages.map((d, i) => (
          <Stage
            key={d.environment}
            application={a}
            deployment={d}
            governed={governed.has(d.environment)}
            waiting={waiting.filter((p) => p.to === d.environment)}
            next={may(me, 'developer', a.team) && d.release ? stages[i + 1]?.environment : undefined}
            promote={() => setFrom(d)}
          />
        ))}
      </ol>
      {previews.length > 0 && (
        <>
          <h3>Previews of pull requests</h3>
          <ol className="pipeline">
            {previews.map((d) => (
              <Stage
                key={d.environment}
                application={a}
                deployment={d}
                governed={false}
                waiting={[]}
                promote={() => {}}
              />
            ))}
          </ol>
        </>
      )}
      {from && <PromoteDialog application={a} from={from} onClose={() => setFrom(undefined)} />}
    </>
  )
}

interface StageProps {
  application: Application
  deployment: Deployment
  governed: boolean
  /** Promotions on their way here. */
  waiting: PromotionSummary[]
  /** The environment after this one, where one may promote to it. */
  next?: string
  promote: () => void
}

function Stage({ application: a, deployment: d, governed, waiting, next, promote }: StageProps) {
  return (
    <li className={toneOf(d.health)}>
      <div className="row between">
        <h3>{d.environment}</h3>
        <Status state={d.health} />
      </div>
      <div className="stage-body">
        {d.release ? (
          <ReleaseFacts release={d.release} since={d.since} />
        ) : (
          <p className="muted">No release is here yet.</p>
        )}
        {d.health !== 'healthy' && d.reason && (d.release || d.health !== 'missing') && <Cause deployment={d} />}
        {waiting.map((p) => (
          <p key={p.number} className="row">
            <Link to={paths.promotion(p.team, p.application, p.number)}>
              #{p.number} brings {p.release.version || short(p.release.digest)}
            </Link>
            <Status state={p.state} />
          </p>
        ))}
      </div>
      <div className="stage-foot">
        <ul className="row small">
          {governed && (
            <li>
              <ShieldCheck aria-hidden="true" size={14} /> <Tag>by promotion only</Tag>
            </li>
          )}
          {d.url && (
            <li>
              <External href={d.url}>{hostOf(d.url)}</External>
            </li>
          )}
          {d.preview && (
            <li>
              <External href={d.preview}>Pull request</External>
            </li>
          )}
          <li>
            <Link to={paths.logs(a.team, a.name, d.environment)}>Logs</Link>
          </li>
          {d.links?.map((l) => (
            <li key={l.url}>
              <External href={l.url}>{l.title || hostOf(l.url)}</External>
            </li>
          ))}
        </ul>
        {next && (
          <div>
            <Button onPress={promote}>
              Promote to {next} <ArrowRight aria-hidden="true" size={16} />
            </Button>
          </div>
        )}
      </div>
    </li>
  )
}

function ReleaseFacts({ release, since }: { release: Release; since?: string }) {
  return (
    <>
      <p className="release">{release.version || short(release.digest)}</p>
      <ul className="muted small stack tight">
        <li>
          Image <Digest value={release.digest} what="image digest" />
        </li>
        {release.commit && (
          <li>
            Commit <Digest value={release.commit} what="commit" />
          </li>
        )}
        {since && (
          <li>
            So since <Time at={since} />
          </li>
        )}
      </ul>
    </>
  )
}

/** Why an environment is not well, and what shows it. */
export function Cause({ deployment: d }: { deployment: Deployment }) {
  return (
    <div className={`cause ${toneOf(d.health)}`}>
      <p className="strong">{sentence(d.reason ?? '')}</p>
      {d.evidence && d.evidence.length > 0 && (
        <ul>
          {d.evidence.map((e) => (
            <li key={e}>
              <code>{e}</code>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
