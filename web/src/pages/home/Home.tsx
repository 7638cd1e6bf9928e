import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Container, PartyPopper } from 'lucide-react'
import { Link } from 'react-router'
import type { ApplicationSummary, Health } from '~/api/_schema.gen'
import { may, mayAnywhere } from '~/api/access'
import { asApiError } from '~/api/problem'
import { applications, findings, health, promotions } from '~/api/queries'
import { useMe } from '~/app/me'
import { ButtonLink } from '~/components/Button'
import { Empty } from '~/components/Empty'
import { Load, LoadPages, Skeleton } from '~/components/Load'
import { Page, Section } from '~/components/Page'
import { ProblemNotice } from '~/components/Problem'
import { GateBar, WaitsFor } from '~/components/Progress'
import { Status } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { onTheWay, releaseName } from '~/lib/releases'
import { sentence } from '~/lib/words'
import { ApplicationCards } from '../applications/Applications'
import { useRecentPromotions } from '../applications/around'
import { troubles, type Waiting, waitingPromotions } from './waiting'
import './home.css'

/** The first page: what waits for one, one's applications, how the platform is. */
export function Home() {
  const me = useMe()
  return (
    <Page
      title="Home"
      lead={`Hello, ${me.name || me.username}.`}
      actions={
        mayAnywhere(me, 'developer') && (
          <ButtonLink emphasis="primary" to={paths.create}>
            Create an application
          </ButtonLink>
        )
      }
    >
      <div className="columns">
        <div>
          <WaitingOnYou />
          <MyApplications />
        </div>
        <div>
          <OnTheWay />
          <PlatformHealth />
        </div>
      </div>
    </Page>
  )
}

function WaitingOnYou() {
  const me = useMe()
  const forApproval = useInfiniteQuery(promotions({ waiting: true, limit: 20 }))
  const recent = useRecentPromotions()
  const mine = useInfiniteQuery(applications)
  const found = useInfiniteQuery({ ...findings, enabled: may(me, 'auditor') })
  const items = [
    ...waitingPromotions(forApproval.data?.pages[0]?.items ?? [], recent, me),
    ...troubles(mine.data?.pages[0]?.items ?? []),
  ]
  const findingsSeen = found.data?.pages[0]?.items.length ?? 0
  const waitingFor = forApproval.isPending || mine.isPending
  return (
    <Section title="Waiting on you">
      {forApproval.isError && !asApiError(forApproval.error).absent && (
        <ProblemNotice doing="Could not load promotions" error={forApproval.error} />
      )}
      {waitingFor && items.length === 0 && <Skeleton lines={2} />}
      {!waitingFor && items.length === 0 && findingsSeen === 0 && (
        <Empty icon={PartyPopper} title="Nothing waits on you">
          <p>Promotions to approve, broken builds and unhealthy environments would stand here.</p>
        </Empty>
      )}
      <ul className="rows">
        {findingsSeen > 0 && (
          <li>
            <Link to={paths.findings} className="strong">
              Changes without a decision were found
            </Link>
            <p className="muted">Images run, or commits were merged, that no promotion led to.</p>
          </li>
        )}
        {items.map((item) => (
          <WaitingItem key={item.to + item.text} item={item} />
        ))}
      </ul>
    </Section>
  )
}

function WaitingItem({ item }: { item: Waiting }) {
  return (
    <li className="waiting">
      <div className="row between">
        <Link to={item.to} className="strong">
          {item.text}
        </Link>
        <Status state={item.state} />
      </div>
      <p className="muted">
        {item.reason}
        {item.since && (
          <>
            {item.reason && ' · '}
            <Time at={item.since} />
          </>
        )}
      </p>
    </li>
  )
}

/** The promotions that are under way: what each waits for. */
function OnTheWay() {
  const moving = onTheWay(useRecentPromotions())
  return (
    <Section title="On the way" actions={<Link to={paths.promotions}>Promotions</Link>}>
      {moving.length === 0 && <p className="muted">No promotion is under way.</p>}
      <ul className="rows">
        {moving.slice(0, 5).map((p) => (
          <li key={`${p.team}/${p.application}/${p.number}`} className="waiting">
            <div className="row between">
              <Link to={paths.promotion(p.team, p.application, p.number)} className="strong">
                {p.application}: {p.from} → {p.to}
              </Link>
              <Status state={p.state} />
            </div>
            <p className="muted small">
              <code>{releaseName(p.release)}</code> · asked for by {p.by.username} <Time at={p.opened} />
            </p>
            {p.progress && <GateBar progress={p.progress} />}
            <WaitsFor promotion={p} />
          </li>
        ))}
      </ul>
    </Section>
  )
}

function MyApplications() {
  const query = useInfiniteQuery(applications)
  const me = useMe()
  return (
    <Section title="My applications" bare actions={<Link to={paths.applications}>All applications</Link>}>
      <LoadPages
        query={query}
        what="your applications"
        empty={<NoApplications mayCreate={mayAnywhere(me, 'developer')} />}
      >
        {(items: ApplicationSummary[]) => <ApplicationCards items={items.slice(0, 8)} level={3} />}
      </LoadPages>
    </Section>
  )
}

function NoApplications({ mayCreate }: { mayCreate: boolean }) {
  return (
    <Empty icon={Container} title="Your teams have no applications yet">
      {mayCreate ? (
        <>
          <p>A template makes one: a repository, its build, and an environment where it answers.</p>
          <ButtonLink to={paths.create}>See the templates</ButtonLink>
        </>
      ) : (
        <p>A developer of your team can make one from a template.</p>
      )}
    </Empty>
  )
}

function PlatformHealth() {
  const query = useQuery(health)
  return (
    <Section title="Platform" actions={<Link to={paths.platform}>Details</Link>}>
      <Load query={query} what="the platform's health" lines={2}>
        {(h) => <HealthSummary health={h} />}
      </Load>
    </Section>
  )
}

function HealthSummary({ health: h }: { health: Health }) {
  const bad = h.checks.filter((c) => c.state !== 'healthy')
  return (
    <>
      <p className="row">
        <Status state={h.state} />
        <span className="muted">
          {bad.length === 0
            ? `All ${h.checks.length} checks pass`
            : `${bad.length} of ${h.checks.length} checks do not pass`}
        </span>
      </p>
      <ul className="rows">
        {bad.map((c) => (
          <li key={c.name}>
            <div className="row between">
              <span className="strong">{c.name}</span>
              <Status state={c.state} />
            </div>
            {c.reason && <p className="muted small">{sentence(c.reason)}</p>}
          </li>
        ))}
      </ul>
      <p className="muted small">
        Looked at <Time at={h.at} />
      </p>
    </>
  )
}
