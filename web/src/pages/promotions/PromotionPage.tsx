import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import type { Approval, Promotion, Release } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { promotion } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Digest } from '~/components/Copy'
import { Diff } from '~/components/Diff'
import { External } from '~/components/External'
import { Facts } from '~/components/Facts'
import { Gates } from '~/components/Gates'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { ActorName } from '~/components/Person'
import { Status, Tag } from '~/components/Status'
import { Moment, Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { releaseName } from '~/lib/releases'
import { sentence, short } from '~/lib/words'
import { BreakGlassDialog, ReviewDialog, WaiveDialog } from './exceptions'
import { Journey } from './Journey'

/** A promotion: its gates with their evidence, who approved, what was decided. */
export function PromotionPage() {
  const { team = '', application = '', number = '' } = useParams()
  const query = useQuery(promotion(team, application, Number(number)))
  const p = query.data
  return (
    <Page
      title={p ? `${p.application}: ${p.from} → ${p.to}` : `Promotion #${number}`}
      aside={p && <Status state={p.state} />}
      crumbs={[
        { to: paths.promotions, text: 'Promotions' },
        { to: paths.application(team, application), text: application },
      ]}
      lead={
        p && (
          <>
            #{p.number}, asked for by <ActorName actor={p.by} /> <Time at={p.opened} />
          </>
        )
      }
      actions={
        p && (
          <External href={p.pullRequest} button="normal">
            Pull request
          </External>
        )
      }
    >
      <Load query={query} what={`the promotion #${number}`} lines={8}>
        {(data) => <Details promotion={data} />}
      </Load>
    </Page>
  )
}

function Details({ promotion: p }: { promotion: Promotion }) {
  return (
    <>
      <Journey promotion={p} />
      <Where promotion={p} />
      <Glass promotion={p} />
      <div className="columns">
        <div>
          <GateSection promotion={p} />
          {p.diff && (
            <Section title="What changes">
              <Diff text={p.diff} />
            </Section>
          )}
        </div>
        <div>
          <Releases promotion={p} />
          <Approvals approvals={p.approvals} />
          <DecisionsMade promotion={p} />
        </div>
      </div>
    </>
  )
}

/** Where a pull request is reviewed: the page of its changes, at the forges that have one by this name. */
function filesOf(pullRequest: string): string {
  return `${pullRequest.replace(/\/$/, '')}/files`
}

/** Why it stands where it stands, and what is next. */
function Where({ promotion: p }: { promotion: Promotion }) {
  const me = useMe()
  if (p.state !== 'open') return p.reason ? <p>{sentence(p.reason)}</p> : null
  const own = p.by.id === me.id
  const approver = may(me, 'approver', p.team)
  return (
    <Notice title={sentence(p.reason || 'it waits for its gates')}>
      {own && (
        <p>You asked for this promotion, so your own approval does not count: somebody else has to approve it.</p>
      )}
      {!own && approver && (
        <>
          <p>
            Look at its gates and at what changes. Then approve it, or say what is wrong, in its pull request; an
            approval does not count from who wrote the change.
          </p>
          <p>
            <External href={filesOf(p.pullRequest)} button="primary">
              Review and approve in Git
            </External>
          </p>
        </>
      )}
      {!own && !approver && <p>An approver of the team {p.team} has to approve it, in its pull request.</p>}
    </Notice>
  )
}

function GateSection({ promotion: p }: { promotion: Promotion }) {
  const me = useMe()
  const [waive, setWaive] = useState<string>()
  const [breaking, setBreaking] = useState(false)
  const undecided = p.state === 'open' || p.state === 'refused'
  const mayExcept = may(me, 'approver', p.team) && undecided
  return (
    <Section
      title="Gates"
      actions={
        mayExcept && (
          <Button emphasis="danger" onPress={() => setBreaking(true)}>
            Break the glass
          </Button>
        )
      }
    >
      <Gates
        gates={p.gates}
        action={(g) =>
          mayExcept &&
          (g.verdict === 'fail' || g.verdict === 'not available') && (
            <div>
              <Button onPress={() => setWaive(g.name)}>Waive “{g.name}”</Button>
            </div>
          )
        }
      />
      <p className="muted small row">
        Policy <Digest value={p.policy} what="policy digest" />
      </p>
      {waive && <WaiveDialog promotion={p} gate={waive} onClose={() => setWaive(undefined)} />}
      {breaking && <BreakGlassDialog promotion={p} onClose={() => setBreaking(false)} />}
    </Section>
  )
}

/** The glass that was broken, and the second person's word on it. */
function Glass({ promotion: p }: { promotion: Promotion }) {
  const me = useMe()
  const [reviewing, setReviewing] = useState(false)
  const glass = p.breakGlass
  if (!glass) return null
  return (
    <Notice
      tone={glass.review?.accepted ? 'info' : 'warn'}
      title="The glass was broken: this went ahead whatever its gates said"
    >
      <p>
        By <ActorName actor={glass.by} />, <Moment at={glass.at} />: “{glass.reason}”
      </p>
      {glass.review ? (
        <p>
          {glass.review.accepted ? 'Found right' : 'Found wrong'} by <ActorName actor={glass.review.by} />,{' '}
          <Moment at={glass.review.at} />: “{glass.review.comment}”
        </p>
      ) : (
        <p>No second person has looked at it yet.</p>
      )}
      {!glass.review && may(me, 'approver', p.team) && glass.by.id !== me.id && (
        <p>
          <Button onPress={() => setReviewing(true)}>Review it</Button>
        </p>
      )}
      {reviewing && <ReviewDialog promotion={p} onClose={() => setReviewing(false)} />}
    </Notice>
  )
}

function Releases({ promotion: p }: { promotion: Promotion }) {
  return (
    <Section title="Release">
      <ReleaseFacts release={p.release} />
      {p.previous && (
        <p className="muted small">
          Before it, {p.to} had <code title={p.previous.digest}>{releaseName(p.previous)}</code>.
        </p>
      )}
    </Section>
  )
}

function ReleaseFacts({ release: r }: { release: Release }) {
  return (
    <Facts
      facts={[
        [
          'Release',
          <span key="release" className="strong">
            {releaseName(r)}
          </span>,
        ],
        ['Image', <code key="image">{r.image}</code>],
        ['Digest', <Digest key="digest" value={r.digest} what="image digest" />],
        ['Commit', r.commit && <Digest value={r.commit} what="commit" />],
        ['Manifests', r.manifests && <Digest value={r.manifests} what="commit of the manifests" />],
        ['Built', r.built && <Time at={r.built} />],
      ]}
    />
  )
}

function Approvals({ approvals }: { approvals: Approval[] }) {
  return (
    <Section title="Approvals">
      {approvals.length === 0 && <p className="muted">Nobody has approved it yet.</p>}
      <ul className="rows">
        {approvals.map((a) => (
          <li key={`${a.by.id} ${a.at}`}>
            <div className="row between">
              <span>
                <ActorName actor={a.by} />{' '}
                <span className="muted small">
                  <Time at={a.at} />
                </span>
              </span>
              <Tag tone={a.counts ? 'good' : 'warn'}>{a.counts ? 'counts' : 'does not count'}</Tag>
            </div>
            <p className="muted small">
              {a.reason && `${sentence(a.reason)} · `}commit <code>{short(a.commit)}</code>
            </p>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function DecisionsMade({ promotion: p }: { promotion: Promotion }) {
  return (
    <Section title="Decisions">
      {p.decisions.length === 0 && <p className="muted">Nothing was decided yet.</p>}
      <ul className="rows">
        {p.decisions.map((d) => (
          <li key={d.index} className="row between">
            <Link to={paths.decision(d.index)}>Decision {d.index}</Link>
            <Status state={d.outcome} />
            <Time at={d.at} />
          </li>
        ))}
      </ul>
    </Section>
  )
}
