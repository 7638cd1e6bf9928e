import type { Application, Build, Deployment, PromotionSummary, Release } from '~/api/_schema.gen'
import { short } from './words'

/** What builds of the platform call a release: its commit and its image, each by twelve digits. */
const byDigits = /^[0-9a-f]{12}-[0-9a-f]{12}$/

/** What a release is called among people: the version that somebody gave it, or its commit. */
export function releaseName(r: Pick<Release, 'version' | 'commit' | 'digest'>): string {
  if (r.version && !byDigits.test(r.version)) return r.version
  return (r.commit || short(r.digest)).slice(0, 7)
}

/** The build that made a release, where it is among the last ones. */
export function buildOf(builds: Build[], release: Release | undefined): Build | undefined {
  return builds.find((b) => release && (b.release?.digest === release.digest || b.commit === release.commit))
}

/** States of promotions that are still on their way. */
const underway = ['open', 'allowed', 'merged']

/** The promotions that are on their way, of an application where one is given. */
export function onTheWay(
  all: PromotionSummary[],
  application?: Pick<Application, 'team' | 'name'>,
): PromotionSummary[] {
  return all.filter(
    (p) =>
      underway.includes(p.state) &&
      (!application || (p.team === application.team && p.application === application.name)),
  )
}

/** The environments that releases go through, in their order; previews are apart from them. */
export function stagesOf(deployments: Deployment[]): Deployment[] {
  return deployments.filter((d) => !d.preview)
}
