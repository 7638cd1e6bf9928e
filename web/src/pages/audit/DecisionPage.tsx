import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import type { Decision } from '~/api/_schema.gen'
import { decision } from '~/api/queries'
import { fromBase64 } from '~/audit/bytes'
import { type Check, verifyDecision } from '~/audit/verify'
import { Digest } from '~/components/Copy'
import { Facts } from '~/components/Facts'
import { Gates } from '~/components/Gates'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { Moment } from '~/components/Time'
import { paths } from '~/lib/paths'
import { Checks, Keys } from './Checks'
import { about } from './Decisions'
import { usePins } from './pins'

/** A decision: what was decided, on what it rested, and the proof, checked in this browser. */
export function DecisionPage() {
  const { index = '' } = useParams()
  const query = useQuery(decision(Number(index)))
  const d = query.data
  return (
    <Page
      title={d ? about(d) : `Decision ${index}`}
      aside={d && <Status state={d.outcome} />}
      crumbs={[{ to: paths.audit, text: 'Audit' }]}
      lead={
        d && (
          <>
            Decision {d.index}, <Moment at={d.at} />
          </>
        )
      }
    >
      <Load query={query} what={`decision ${index}`} lines={8}>
        {(data) => <Details decision={data} />}
      </Load>
    </Page>
  )
}

function Details({ decision: d }: { decision: Decision }) {
  return (
    <div className="columns">
      <div>
        <Proof decision={d} />
        <Section title="Gates">
          <Gates gates={d.gates} />
        </Section>
        <Section title="The signed statement">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
          <pre className="code" tabIndex={0}>
            {statementText(d)}
          </pre>
        </Section>
      </div>
      <div>
        <Section title="About">
          <Facts
            facts={[
              ['File', d.path],
              [
                'Application',
                !d.path && (
                  <Link key="app" to={paths.application(d.team, d.application)}>{`${d.team}/${d.application}`}</Link>
                ),
              ],
              ['Environment', d.environment],
              [
                d.path ? 'Content' : 'Image',
                <Digest key="subject" value={d.subject} what={d.path ? 'file digest' : 'image digest'} />,
              ],
              [
                'Promotion',
                d.promotion && !d.path && (
                  <Link to={paths.promotion(d.team, d.application, d.promotion)}>#{d.promotion}</Link>
                ),
              ],
              ['Commit', d.commit && <Digest value={d.commit} what="commit of the environments" />],
              ['Policy', <Digest key="policy" value={d.policy} what="policy digest" />],
              ['Who', d.actors.join(', ')],
            ]}
          />
        </Section>
      </div>
    </div>
  )
}

/** The statement as it was signed, laid out to be read. */
function statementText(d: Decision): string {
  try {
    const envelope = d.envelope as { payload: string }
    return JSON.stringify(JSON.parse(new TextDecoder().decode(fromBase64(envelope.payload))), null, 2)
  } catch {
    return 'The envelope holds no statement that can be read.'
  }
}

function Proof({ decision: d }: { decision: Decision }) {
  const [pinned, pin] = usePins()
  const query = useQuery({
    queryKey: ['verify', 'decision', d, pinned],
    queryFn: () => verifyDecision(d, pinned),
    refetchInterval: false,
  })
  return (
    <Section title="Verified in this browser">
      <Load query={query} what="the check" lines={5}>
        {(checks) => (
          <>
            <Verdict checks={checks} />
            <Checks checks={checks} />
          </>
        )}
      </Load>
      <Keys checkpoint={d.proof.checkpoint} pinned={pinned} pin={pin} />
      <details>
        <summary>The log’s signed head</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
        <pre className="code" tabIndex={0}>
          {d.proof.checkpoint.note}
        </pre>
      </details>
      <p className="muted small">
        This check is a program that came from the server. For a proof that rests on nothing from it, export the log and
        use <code>slipway audit verify</code> elsewhere.
      </p>
    </Section>
  )
}

function Verdict({ checks }: { checks: Check[] }) {
  const failed = checks.filter((c) => c.verdict === 'fail')
  const open = checks.filter((c) => c.verdict === 'not available')
  if (failed.length > 0) {
    return (
      <Notice tone="bad" title="Something is wrong with this decision or with the log" live>
        <p>Tell an auditor, and keep an export of the log as it is now.</p>
      </Notice>
    )
  }
  if (open.length > 0) {
    return (
      <Notice tone="warn" title="As far as it could be checked, it holds" live>
        <p>{open.map((c) => c.name).join(', ')}: not known yet.</p>
      </Notice>
    )
  }
  return <Notice tone="good" title="The decision is in the log, signed, and unchanged" live />
}
