import type { Promotion } from '~/api/_schema.gen'
import { ago, count } from '~/lib/words'

/** A stop on a promotion's way, and whether it has been there. */
export interface Stop {
  name: string
  detail: string
  state: 'done' | 'now' | 'bad' | 'ahead'
}

/** The way of a promotion from the wish to the running release, as far as it has come. */
export function journey(p: Promotion, now: number): Stop[] {
  const passed = p.gates.filter((g) => g.verdict === 'pass' || g.verdict === 'waived').length
  const approvers = p.approvals.filter((a) => a.counts).map((a) => a.by.username)
  const decided = p.decisions.find((d) => d.outcome === 'allowed' || d.outcome === 'broken glass')
  const refused = p.state === 'refused' || p.state === 'closed'
  const merged = ['merged', 'healthy', 'failed', 'rolled back'].includes(p.state)
  const unwell = p.state === 'failed' || p.state === 'rolled back'
  const glass = p.breakGlass !== undefined
  const approvalsPass = p.gates.some((g) => g.name === 'approvals' && g.verdict === 'pass')
  const others = p.gates.filter((g) => g.name !== 'approvals')
  const othersPass = others.length > 0 && others.every((g) => g.verdict === 'pass' || g.verdict === 'waived')
  const step = (done: boolean, bad: boolean, current: boolean): Stop['state'] => {
    if (done) return 'done'
    if (bad) return 'bad'
    return current ? 'now' : 'ahead'
  }
  return [
    { name: 'Asked for', detail: `${p.by.username}, ${ago(p.opened, now)}`, state: 'done' },
    {
      name: 'Gates',
      detail: p.gates.length > 0 ? `${passed} of ${count(p.gates.length, 'gate')} passed` : 'not evaluated yet',
      state: step(decided !== undefined || othersPass, refused, true),
    },
    {
      name: 'Approved',
      detail: approved(approvers, glass),
      state: step(decided !== undefined || approvalsPass, refused, true),
    },
    {
      name: 'Decided',
      detail: decided ? `entry ${decided.index} of the log` : refused ? p.state : 'not yet',
      state: step(decided !== undefined, refused, p.state === 'allowed'),
    },
    { name: 'Merged', detail: merged ? 'by Slipway' : 'not yet', state: step(merged, false, p.state === 'allowed') },
    {
      name: `Live in ${p.to}`,
      detail: p.state === 'healthy' || unwell ? p.state : merged ? 'rolling out' : 'not yet',
      state: step(p.state === 'healthy', unwell, merged),
    },
  ]
}

function approved(approvers: string[], glass: boolean): string {
  if (glass) return 'the glass was broken'
  return approvers.length > 0 ? `by ${approvers.join(', ')}` : 'by nobody yet'
}
