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
import { Status } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { ApplicationCard } from '../applications/ApplicationCard'
import { troubles, type Waiting, waitingPromotions } from './waiting'
import './home.css'

/** The first page: what waits for one, one's applications, how the platform is. */
export function Home() {
  const me = useMe()
  return (
    <Page
      title="Home"
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
          <PlatformHealth />
        </div>
      </div>
    </Page>
  )
}

function WaitingOnYou() {
  const me = useMe()
  const approver = mayAnywhere(me, 'approver')
  const forApproval = useInfiniteQuery(promotions({ waiting: true, limit: 20 }))
  const recent = useInfiniteQuery({ ...promotions({ limit: 50 }), enabled: approver })
  const mine = useInfiniteQuery(applications)
  const found = useInfiniteQuery({ ...findings, enabled: may(me, 'auditor') })
  const items = [
    ...waitingPromotions(forApproval.data?.pages[0]?.items ?? [], recent.data?.pages[0]?.items ?? [], me),
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
        {(items: ApplicationSummary[]) => (
          <ul className="stack">
            {items.slice(0, 8).map((a) => (
              <li key={`${a.team}/${a.name}`}>
                <ApplicationCard application={a} />
              </li>
            ))}
          </ul>
        )}
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
            {c.reason && <p className="muted">{c.reason}</p>}
          </li>
        ))}
      </ul>
      <p className="muted small">
        Looked at <Time at={h.at} />
      </p>
    </>
  )
}
