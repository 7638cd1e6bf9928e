import { useInfiniteQuery } from '@tanstack/react-query'
import { ArrowRight, Lock } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Application, Deployment, PromotionSummary } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { promotions } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Digest } from '~/components/Copy'
import { External } from '~/components/External'
import { GateBar, WaitsFor } from '~/components/Progress'
import { Status, toneOf } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { buildOf, onTheWay, releaseName, stagesOf } from '~/lib/releases'
import { hostOf } from '~/lib/urls'
import { sentence } from '~/lib/words'
import { useGoverned } from './around'
import { PromoteDialog } from './PromoteDialog'
import './pipeline.css'

/** The environments in the order of promotion: the release in each, how it is, what is on its way, and the way to the next. */
export function Pipeline({ application: a }: { application: Application }) {
  const me = useMe()
  const [from, setFrom] = useState<Deployment>()
  const governed = useGoverned()
  const recent = useInfiniteQuery(promotions({ team: a.team, application: a.name, limit: 20 }))
  const moving = onTheWay(recent.data?.pages.flatMap((p) => p.items) ?? [])
  const stages = stagesOf(a.deployments)
  const previews = a.deployments.filter((d) => d.preview)
  return (
    <>
      <ol className="pipeline">
        {stages.map((d, i) => (
          <Stage
            key={d.environment}
            application={a}
            deployment={d}
            before={stages[i - 1]}
            governed={governed.has(d.environment)}
            moving={moving.filter((p) => p.to === d.environment)}
            next={may(me, 'developer', a.team) ? leadsTo(d, stages[i + 1]) : undefined}
            promote={() => setFrom(d)}
          />
        ))}
      </ol>
      {previews.length > 0 && <Previews application={a} previews={previews} />}
      {from && <PromoteDialog application={a} from={from} onClose={() => setFrom(undefined)} />}
    </>
  )
}

/** Where a release may be promoted to: the next environment, unless it runs there already. */
function leadsTo(d: Deployment, next?: Deployment): string | undefined {
  return d.release && d.release.digest !== next?.release?.digest ? next?.environment : undefined
}

interface StageProps {
  application: Application
  deployment: Deployment
  /** The environment before this one. */
  before?: Deployment
  governed: boolean
  /** Promotions on their way here. */
  moving: PromotionSummary[]
  /** The environment after this one, where one may promote to it. */
  next?: string
  promote: () => void
}

function Stage({ application: a, deployment: d, before, governed, moving, next, promote }: StageProps) {
  return (
    <li className={d.release ? toneOf(d.health) : 'vacant'}>
      <div className="stage-head">
        <h3>
          {d.environment}
          {governed && (
            <span className="stage-lock muted" title="Releases come here by promotion only">
              <Lock aria-hidden="true" size={14} />
              <span className="hidden"> (by promotion only)</span>
            </span>
          )}
        </h3>
        {(d.release || d.health !== 'missing') && <Status state={d.health} />}
      </div>
      <div className="stage-body">
        <Running application={a} deployment={d} />
        {d.health !== 'healthy' && d.reason && (d.release || d.health !== 'missing') && <Cause deployment={d} />}
        {moving.map((p) => (
          <Moving key={p.number} promotion={p} />
        ))}
        {moving.length === 0 && <Behind deployment={d} before={before} />}
      </div>
      <div className="stage-foot">
        <StageLinks application={a} deployment={d} />
        {next && (
          <Button onPress={promote}>
            Promote to {next} <ArrowRight aria-hidden="true" size={16} />
          </Button>
        )}
      </div>
    </li>
  )
}

/** The release that runs in an environment, and what is known of it. */
function Running({ application: a, deployment: d }: { application: Application; deployment: Deployment }) {
  const r = d.release
  if (!r) return <p className="muted">Nothing runs here yet.</p>
  const build = buildOf(a.builds, r)
  return (
    <div className="running">
      <p className="release">
        <code>{releaseName(r)}</code>
        {d.since && (
          <span className="muted small">
            <Time at={d.since} />
          </span>
        )}
      </p>
      {build?.title && (
        <p>
          <Link to={paths.build(a.team, a.name, build.id)}>{build.title}</Link>
        </p>
      )}
      <p className="muted small row">
        <span>
          image <Digest value={r.digest} what="image digest" />
        </span>
        {r.commit && r.commit.slice(0, 7) !== releaseName(r) && (
          <span>
            commit <Digest value={r.commit} what="commit" />
          </span>
        )}
      </p>
    </div>
  )
}

/** A promotion that is on its way to an environment: what it brings, and what it waits for. */
function Moving({ promotion: p }: { promotion: PromotionSummary }) {
  return (
    <div className="moving">
      <p className="row between">
        <Link to={paths.promotion(p.team, p.application, p.number)} className="strong">
          #{p.number} brings {releaseName(p.release)}
        </Link>
        <Status state={p.state} />
      </p>
      {p.progress && <GateBar progress={p.progress} />}
      <WaitsFor promotion={p} />
    </div>
  )
}

/** Says that the environment before has another release. */
function Behind({ deployment: d, before }: { deployment: Deployment; before?: Deployment }) {
  if (!before?.release || before.release.digest === d.release?.digest) return null
  return (
    <p className="muted small">
      {before.environment} has <code>{releaseName(before.release)}</code>, and nobody has asked for it here.
    </p>
  )
}

function StageLinks({ application: a, deployment: d }: { application: Application; deployment: Deployment }) {
  return (
    <ul className="row small">
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
      {d.release && (
        <li>
          <Link to={paths.logs(a.team, a.name, d.environment)}>Logs</Link>
        </li>
      )}
      {d.links?.map((l) => (
        <li key={l.url}>
          <External href={l.url}>{l.title || hostOf(l.url)}</External>
        </li>
      ))}
    </ul>
  )
}

function Previews({ application: a, previews }: { application: Application; previews: Deployment[] }) {
  return (
    <div className="panel section">
      <h3>Previews of pull requests</h3>
      <ul className="rows">
        {previews.map((d) => (
          <li key={d.environment} className="stack tight">
            <div className="row between">
              <span className="row">
                <span className="strong">{d.environment}</span>
                {d.release && <code>{releaseName(d.release)}</code>}
                <Status state={d.health} />
              </span>
              <StageLinks application={a} deployment={d} />
            </div>
            {d.health !== 'healthy' && d.reason && <Cause deployment={d} />}
          </li>
        ))}
      </ul>
    </div>
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
