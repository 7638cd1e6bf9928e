import type { Me } from './_schema.gen'

/** A role, as internal/server/access has them. */
export type Role = 'viewer' | 'developer' | 'approver' | 'auditor' | 'platform-admin'

/** All roles. */
export const roles: Role[] = ['viewer', 'developer', 'approver', 'auditor', 'platform-admin']

/** The roles that come with a role. */
const implied: Record<Role, Role[]> = {
  viewer: [],
  developer: ['viewer'],
  approver: ['viewer'],
  auditor: ['viewer'],
  'platform-admin': ['viewer', 'developer', 'auditor'],
}

function split(grant: string): { role: Role; team: string } {
  const [role, team = ''] = grant.split(':')
  return { role: role as Role, team }
}

function covers(has: Role, wanted: Role): boolean {
  return has === wanted || (implied[has] ?? []).includes(wanted)
}

/**
 * Says whether somebody has a role in a team; without a team, on the whole platform. It decides what is offered; what
 * is allowed, the server decides.
 */
export function may(me: Pick<Me, 'grants'>, role: Role, team = ''): boolean {
  return me.grants.map(split).some((g) => covers(g.role, role) && (g.team === '' || g.team === team))
}

/** Says whether somebody has a role in some team or on the platform. */
export function mayAnywhere(me: Pick<Me, 'grants'>, role: Role): boolean {
  return me.grants.map(split).some((g) => covers(g.role, role))
}

/** The teams in which somebody has a role; `all` says that it is on the whole platform. */
export function teamsOf(me: Pick<Me, 'grants'>, role: Role): { all: boolean; names: string[] } {
  const held = me.grants.map(split).filter((g) => covers(g.role, role))
  const names = held.map((g) => g.team).filter((team) => team !== '')
  return { all: held.some((g) => g.team === ''), names: [...new Set(names)].sort() }
}

/** A grant in words: "developer in payments". */
export function describeGrant(grant: string): string {
  const { role, team } = split(grant)
  return team === '' ? `${role} on the whole platform` : `${role} in ${team}`
}
