import type { ReactNode } from 'react'
import type { EvidenceRef, GateResult } from '~/api/_schema.gen'
import { sentence } from '~/lib/words'
import { Digest } from './Copy'
import { External } from './External'
import { Facts } from './Facts'
import { ActorName } from './Person'
import { Status, toneOf } from './Status'
import { Moment, Time } from './Time'
import './gates.css'

interface Props {
  gates: GateResult[]
  /** What can be done about a gate that does not pass. */
  action?: (gate: GateResult) => ReactNode
}

/** What each gate says, why, and on what evidence; those that do not pass come first. */
export function Gates({ gates, action }: Props) {
  if (gates.length === 0) return <p className="muted">No gates were evaluated.</p>
  const rank = (g: GateResult) => ['fail', 'not available', 'waived', 'pass'].indexOf(g.verdict)
  return (
    <ul className="gates">
      {[...gates]
        .sort((a, b) => rank(a) - rank(b))
        .map((g) => (
          <li key={g.name} className={`gate ${toneOf(g.verdict)}`}>
            <div className="row between">
              <h3>{sentence(g.name)}</h3>
              <Status state={g.verdict} />
            </div>
            {g.verdict === 'pass' ? (
              <p className="muted">{sentence(g.reason || g.title || '')}</p>
            ) : (
              <>
                {g.title && <p>{sentence(g.title)}</p>}
                {g.reason && !same(g.title ?? '', g.reason) && <Reason text={g.reason} />}
              </>
            )}
            {g.verdict !== 'pass' && g.hint && <p className="small">Next: {g.hint}</p>}
            {g.waiver && (
              <p>
                Waived by <ActorName actor={g.waiver.by} />, until <Moment at={g.waiver.until} />: “{g.waiver.reason}”
              </p>
            )}
            <EvidenceList evidence={g.evidence} evaluated={g.evaluated} />
            {action?.(g)}
          </li>
        ))}
    </ul>
  )
}

/** A reason has as many parts as it has causes, each after a semicolon. */
function Reason({ text }: { text: string }) {
  const parts = text.split(/;\s+/)
  if (parts.length === 1) return <p className="muted">{sentence(text)}</p>
  return (
    <ul className="gate-reasons muted">
      {parts.map((part) => (
        <li key={part}>{sentence(part)}</li>
      ))}
    </ul>
  )
}

const same = (a: string, b: string) => a.replace(/\W+$/, '').toLowerCase() === b.replace(/\W+$/, '').toLowerCase()

function EvidenceList({ evidence, evaluated }: { evidence: EvidenceRef[]; evaluated: string }) {
  const looked = (
    <>
      Evaluated <Time at={evaluated} />
    </>
  )
  if (evidence.length === 0) return <p className="muted small">{looked}</p>
  return (
    <details>
      <summary>
        {evidence.length === 1 ? 'Evidence' : `${evidence.length} pieces of evidence`}
        <span className="muted small"> · {looked}</span>
      </summary>
      <ul className="stack">
        {evidence.map((e) => (
          <li key={e.digest} className="evidence">
            <Facts
              facts={[
                ['Statement', predicateName(e.predicate)],
                ['Says', e.summary],
                ['Signed by', e.signer],
                ['At', e.at && <Moment at={e.at} />],
                ['Envelope', <Digest key="digest" value={e.digest} what="envelope digest" />],
                ['Whole text', e.url && <External href={e.url}>Open</External>],
              ]}
            />
          </li>
        ))}
      </ul>
    </details>
  )
}

/** Names of the predicates that the platform's own builds and people produce. */
const predicates: [prefix: string, name: string][] = [
  ['https://slsa.dev/provenance/', 'Provenance: how it was built'],
  ['https://spdx.dev/Document', 'Bill of materials (SPDX)'],
  ['https://cyclonedx.org/bom', 'Bill of materials (CycloneDX)'],
  ['https://in-toto.io/attestation/test-result/', 'Test result'],
  ['https://slipway.dev/approval/', 'Approval'],
  ['https://slipway.dev/decision/', 'Decision'],
]

/** What a statement is about, in words; its type where there are none for it. */
export function predicateName(type: string): string {
  return predicates.find(([prefix]) => type.startsWith(prefix))?.[1] ?? type
}
