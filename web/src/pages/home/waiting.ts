import type { ApplicationSummary, Me, PromotionSummary } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { paths } from '~/lib/paths'
import { sentence } from '~/lib/words'

/** Something that waits for the reader. */
export interface Waiting {
  to: string
  text: string
  state: string
  reason?: string
  since?: string
}

const describe = (p: PromotionSummary) => `${p.application}: ${p.from} → ${p.to}`

/** The promotions that wait for somebody: for their approval, or for their word as the second person. */
export function waitingPromotions(forApproval: PromotionSummary[], recent: PromotionSummary[], me: Me): Waiting[] {
  const unreviewed = recent.filter((p) => p.unreviewed && may(me, 'approver', p.team))
  return [
    ...unreviewed.map((p) => ({
      to: paths.promotion(p.team, p.application, p.number),
      text: `Review the broken glass of ${describe(p)}`,
      state: 'broken glass',
      reason: p.reason,
      since: p.updated,
    })),
    ...forApproval.map((p) => ({
      to: paths.promotion(p.team, p.application, p.number),
      text: `Approve ${describe(p)}`,
      state: p.state,
      reason: `Asked for by ${p.by.username}`,
      since: p.opened,
    })),
  ]
}

/** What is red among applications: broken builds, and environments that are not well. */
export function troubles(applications: ApplicationSummary[]): Waiting[] {
  return applications.flatMap((a) => {
    const found: Waiting[] = a.deployments
      .filter((d) => d.health === 'degraded' || (d.health === 'missing' && d.release))
      .map((d) => ({
        to: paths.application(a.team, a.name),
        text: `${a.name} in ${d.environment}`,
        state: d.health,
        reason: d.reason && sentence(d.reason),
        since: d.since,
      }))
    if (a.build?.state === 'failed') {
      found.unshift({
        to: paths.build(a.team, a.name, a.build.id),
        text: `The build of ${a.name}`,
        state: 'failed',
        reason: a.build.reason && sentence(a.build.reason),
        since: a.build.finished ?? a.build.started,
      })
    }
    return found
  })
}
