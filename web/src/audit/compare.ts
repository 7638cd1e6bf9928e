import type { Decision } from '~/api/_schema.gen'

/** The parts of a signed decision (predicate type https://slipway.dev/decision/v1) that the console shows. */
interface Statement {
  subject?: { digest?: { sha256?: string } }[]
  predicateType?: string
  predicate?: {
    application?: string
    to?: string
    policy?: string
    outcome?: string
    time?: string
    gates?: { name?: string; result?: string; evidence?: string[] }[]
  }
}

/** What the API may call the outcomes of signed decisions (internal/evidence); others are called the same. */
const outcomes: Record<string, string[]> = {
  'break-glass': ['broken glass'],
  confirmed: ['reviewed'],
  withdrawn: ['withdrawn', 'refused'],
  rollback: ['rolled back'],
}

const results: Record<string, string> = {
  pass: 'pass',
  fail: 'fail',
  'not-available': 'not available',
  waived: 'waived',
}

/** Says in what a decision that is shown differs from the statement that was signed. */
export function compareStatement(statement: Statement, d: Decision): string[] {
  const p = statement.predicate ?? {}
  const found: [string, boolean][] = [
    ['type', statement.predicateType === 'https://slipway.dev/decision/v1'],
    ['image', `sha256:${statement.subject?.[0]?.digest?.sha256}` === d.subject],
    ['application', [d.application, `${d.team}/${d.application}`].includes(p.application ?? '')],
    ['environment', p.to === d.environment],
    ['outcome', (outcomes[p.outcome ?? ''] ?? [p.outcome]).includes(d.outcome)],
    ['time', Date.parse(p.time ?? '') === Date.parse(d.at)],
    ['policy', p.policy === d.policy],
    ['gates', signedGates(p.gates ?? []) === shownGates(d)],
  ]
  return found.filter(([, equal]) => !equal).map(([name]) => name)
}

function signedGates(gates: { name?: string; result?: string }[]): string {
  return sorted(gates.map((g) => [g.name, results[g.result ?? ''] ?? g.result]))
}

function shownGates(d: Decision): string {
  return sorted(d.gates.map((g) => [g.name, g.verdict]))
}

function sorted(list: unknown[][]): string {
  return JSON.stringify(list.map((g) => JSON.stringify(g)).sort())
}
