import { setTimeout as wait } from 'node:timers/promises'
import type {
  Decision,
  Entity,
  NewApplication,
  NewRun,
  Promotion,
  Run,
  RunEvent,
  Token,
} from '../../src/api/_schema.gen'
import { problem } from './mock'
import { summaryOf, type World } from './world'

/** The mock's answers, by the pattern of the API's description. */

export interface Asked {
  world: World
  path: Record<string, string>
  query: URLSearchParams
  body: unknown
  /** The last event that was seen. */
  last: string
}

type Events = AsyncIterable<{ id?: string; data: unknown }>

export type Answer =
  | { status: number; body?: unknown }
  | { events: Events; name: string; stays?: boolean }
  | { file: string }

type Route = (asked: Asked) => Answer | Promise<Answer>

const ok = (body: unknown, status = 200): Answer => ({ status, body })
const missing = (what: string): Answer => ({ status: 404, body: problem(404, `${what}: not found`, 'check the name') })

/** A page of a list; the cursor is the place. */
function page<T>(items: T[], query: URLSearchParams): Answer {
  const from = Number(query.get('cursor') ?? 0)
  const to = from + Number(query.get('limit') ?? 50)
  return ok({ items: items.slice(from, to), ...(to < items.length && { next: String(to) }) })
}

const fits = (query: URLSearchParams, name: string, value: string | undefined) => {
  const wanted = query.get(name)
  return wanted === null || wanted.toLowerCase() === (value ?? '').toLowerCase()
}

function entitiesFor({ world, query }: Asked): Entity[] {
  const text = (query.get('q') ?? '').toLowerCase()
  return world.entities.filter((e) => {
    const s = summaryOf(e)
    return (
      fits(query, 'kind', s.kind) &&
      fits(query, 'type', s.type) &&
      fits(query, 'owner', s.owner) &&
      fits(query, 'lifecycle', s.lifecycle) &&
      (query.get('tag') === null || s.tags.includes(query.get('tag') ?? '')) &&
      [s.name, s.title, s.description].some((t) => t?.toLowerCase().includes(text))
    )
  })
}

function graph({ world, query }: Asked): Answer {
  const root = `${query.get('kind')}:${query.get('namespace') ?? 'default'}/${query.get('name')}`.toLowerCase()
  const seen = new Set([root])
  for (let i = 0; i < Number(query.get('depth') ?? 2); i++) {
    const edges = world.edges.filter((e) => seen.has(e.from) || seen.has(e.to))
    for (const e of edges) seen.add(e.from).add(e.to)
  }
  const nodes = world.entities.filter((e) => seen.has(e.ref)).map(summaryOf)
  return ok({ root, nodes, edges: world.edges.filter((e) => seen.has(e.from) && seen.has(e.to)), truncated: false })
}

const summary = ({
  number,
  team,
  application,
  from,
  to,
  release,
  state,
  reason,
  by,
  opened,
  updated,
  pullRequest,
  brokenGlass,
  unreviewed,
  progress,
}: Promotion) => ({
  number,
  team,
  application,
  from,
  to,
  release,
  state,
  reason,
  by,
  opened,
  updated,
  pullRequest,
  brokenGlass,
  unreviewed,
  progress,
})

const decisionSummary = ({
  index,
  outcome,
  at,
  team,
  application,
  environment,
  subject,
  commit,
  promotion,
  actors,
}: Decision) => ({
  index,
  outcome,
  at,
  team,
  application,
  environment,
  subject,
  commit,
  promotion,
  actors,
})

function newRun(world: World, team: string, body: NewApplication | NewRun): Run {
  const t = world.templates.find((x) => x.name === body.template.name)
  const run: Run = {
    id: `r-${world.runs.length + 1}`,
    team,
    template: body.template,
    state: 'running',
    by: world.me.actor,
    created: new Date().toISOString(),
    steps: (t?.steps ?? []).map((s) => ({ ...s, state: 'pending' })),
    ...('name' in body && { application: body.name }),
  }
  world.runs.push(run)
  return run
}

/** Carries a run out, event by event. A name that begins with "fail" fails at its second step. */
async function* carryOut(run: Run, last: string): Events {
  let id = 0
  const tell = (event: Omit<RunEvent, 'id' | 'at'>) => {
    id++
    return { id: String(id), data: { id: String(id), at: new Date().toISOString(), ...event } }
  }
  const fails = run.application?.startsWith('fail')
  for (const [i, step] of run.steps.entries()) {
    const bad = fails && i === 1
    const events = [
      tell({ step: step.id, state: 'running' }),
      tell({ step: step.id, line: `${step.action} begins` }),
      tell({ step: step.id, state: bad ? 'failed' : 'succeeded' }),
    ]
    for (const e of events) {
      if (Number(e.id) <= Number(last)) continue
      await wait(60)
      yield e
    }
    step.state = bad ? 'failed' : 'succeeded'
    step.started ??= new Date().toISOString()
    step.finished = new Date().toISOString()
    if (bad) {
      step.error = 'the repository payments/failing exists already'
      break
    }
  }
  run.state = fails ? 'failed' : 'succeeded'
  run.finished = new Date().toISOString()
  if (fails) {
    run.error = 'the repository payments/failing exists already'
    run.hint = 'choose another name, or delete the repository'
  } else {
    run.output = {
      links: [
        { title: 'Repository', url: 'https://git.starter.localhost/payments/returns' },
        { title: 'In the catalogue', icon: 'catalog', entityRef: 'component:default/orders' },
      ],
      text: [{ title: 'What is next', content: 'Clone the repository, change something, push.' }],
    }
  }
}

/** One line after the other, and then more while somebody listens. */
async function* logLines({ world, query }: Asked): Events {
  for (const data of world.logs) yield { data }
  if (query.get('follow') !== 'true') return
  for (let i = 0; ; i++) {
    await wait(400)
    yield {
      data: {
        at: new Date().toISOString(),
        source: 'orders-7d4b9-x2x9k/app',
        text: `level=info msg="still here" n=${i}`,
      },
    }
  }
}

async function* noEvents(): Events {}

function decide(change: (p: Promotion, asked: Asked) => void): Route {
  return (asked) => {
    const p = asked.world.promotions.find((x) => x.number === Number(asked.path.number))
    if (!p) return missing('promotion')
    change(p, asked)
    return ok(p, 201)
  }
}

const found = <T>(value: T | undefined, what: string) => (value ? ok(value) : missing(what))

export const routes: Record<string, Route> = {
  'GET /api/v1/me': ({ world: { me } }) =>
    ok({
      ...me.actor,
      email: me.email,
      grants: me.grants,
      csrfToken: 'the-token-for-writes',
      session: 's-1',
      idle: new Date(Date.now() + 1_800_000).toISOString(),
      expires: new Date(Date.now() + 36_000_000).toISOString(),
    }),
  'GET /api/v1/me/sessions': ({ world }) => ok({ items: world.sessions }),
  'DELETE /api/v1/me/sessions/{session}': ({ world, path }) => {
    world.sessions = world.sessions.filter((s) => s.id !== path.session)
    return { status: 204 }
  },
  'GET /api/v1/me/tokens': ({ world, query }) => page(world.tokens, query),
  'POST /api/v1/me/tokens': ({ world, body }) => {
    const { name, scopes, days } = body as { name: string; scopes: string[]; days: number }
    const token: Token = {
      id: `t-${world.tokens.length + 1}`,
      kind: 'api',
      name,
      scopes,
      person: world.me.actor.id,
      state: 'good',
      created: new Date().toISOString(),
      expires: new Date(Date.now() + days * 86_400_000).toISOString(),
    }
    world.tokens.unshift(token)
    return ok({ ...token, secret: 'slpw_0123456789abcdefghijklmnopqrstuvwxyz' }, 201)
  },
  'DELETE /api/v1/me/tokens/{token}': revoke,
  'GET /api/v1/tokens': ({ world, query }) =>
    page(
      world.tokens.filter((t) => fits(query, 'person', t.person)),
      query,
    ),
  'DELETE /api/v1/tokens/{token}': revoke,
  'GET /api/v1/people': ({ world, query }) =>
    page(
      world.people.map(({ id, username, name, email, grants, seen, shut }) => ({
        id,
        username,
        name,
        email,
        grants,
        seen,
        shut,
      })),
      query,
    ),
  'GET /api/v1/people/{person}': ({ world, path }) =>
    found(
      world.people.find((p) => p.id === path.person),
      'person',
    ),
  'PUT /api/v1/people/{person}/access': ({ world, path, body }) => {
    const p = world.people.find((x) => x.id === path.person)
    const { allowed, reason } = body as { allowed: boolean; reason?: string }
    if (!p) return missing('person')
    p.shut = allowed ? undefined : { by: world.me.actor.username, at: new Date().toISOString(), reason: reason ?? '' }
    return ok(p)
  },
  'DELETE /api/v1/people/{person}/credentials': () => ok({ sessions: 1, tokens: 2 }),
  'GET /api/v1/device/requests/{code}': ({ path }) =>
    path.code === 'BDWP-HQKR'
      ? ok({
          client: 'slipway on laptop',
          from: '10.0.0.7',
          scopes: [],
          created: new Date(Date.now() - 20_000).toISOString(),
          expires: new Date(Date.now() + 580_000).toISOString(),
        })
      : {
          status: 404,
          body: problem(404, 'the code is not known, was used, or is too old: not found', 'run slipway login again'),
        },
  'POST /api/v1/device/requests/{code}/decision': () => ({ status: 204 }),

  'GET /api/v1/catalog/entities': (asked) => page(entitiesFor(asked).map(summaryOf), asked.query),
  'GET /api/v1/catalog/entities/{kind}/{namespace}/{name}': ({ world, path }) =>
    found(
      world.entities.find((e) => e.ref === `${path.kind}:${path.namespace}/${path.name}`.toLowerCase()),
      `entity ${path.kind}:${path.namespace}/${path.name}`,
    ),
  'GET /api/v1/catalog/search': (asked) =>
    page(
      entitiesFor(asked).map((e) => ({ entity: summaryOf(e), excerpt: e.metadata.description })),
      asked.query,
    ),
  'GET /api/v1/catalog/graph': graph,

  'GET /api/v1/templates': ({ world, query }) =>
    page(
      world.templates.map(({ parameters: _, steps: __, source: ___, ...s }) => s),
      query,
    ),
  'GET /api/v1/templates/{namespace}/{name}': ({ world, path }) =>
    found(
      world.templates.find((t) => t.name === path.name),
      `template ${path.name}`,
    ),
  'POST /api/v1/templates/{namespace}/{name}/dry-run': ({ world, path, body }) => {
    const t = world.templates.find((x) => x.name === path.name)
    const text = `# ${(body as { values: { name?: string } }).values.name ?? 'it'}\n`
    return ok({
      steps: (t?.steps ?? []).map((s) => ({ ...s, state: 'succeeded' })),
      files: [
        { path: 'README.md', size: text.length, content: text },
        { path: 'main.go', size: 13, content: 'package main\n' },
        { path: 'run.sh', size: 10, content: '#!/bin/sh\n', executable: true },
        { path: 'logo.png', size: 4711, binary: true },
      ],
      log: ['fetch:template writes 4 files', 'publish:gitea would make payments/…'],
    })
  },
  'POST /api/v1/teams/{team}/applications': ({ world, path, body }) =>
    ok(newRun(world, path.team ?? '', body as NewApplication), 202),
  'POST /api/v1/teams/{team}/template-runs': ({ world, path, body }) =>
    ok(newRun(world, path.team ?? '', body as NewRun), 202),
  'GET /api/v1/teams/{team}/template-runs': ({ world, query }) => page(world.runs, query),
  'GET /api/v1/teams/{team}/template-runs/{run}': ({ world, path }) =>
    found(
      world.runs.find((r) => r.id === path.run),
      `run ${path.run}`,
    ),
  'GET /api/v1/teams/{team}/template-runs/{run}/events': ({ world, path, last }) => {
    const run = world.runs.find((r) => r.id === path.run)
    return run ? { events: carryOut(run, last), name: 'run' } : missing('run')
  },

  'GET /api/v1/applications': ({ world, query }) =>
    page(
      world.applications.map(({ team, name, title, description, deployments, build }) => ({
        team,
        name,
        title,
        description,
        deployments,
        build,
      })),
      query,
    ),
  'GET /api/v1/teams/{team}/applications/{application}': ({ world, path }) =>
    found(
      world.applications.find((a) => a.team === path.team && a.name === path.application),
      `application ${path.team}/${path.application}`,
    ),
  'DELETE /api/v1/teams/{team}/applications/{application}': ({ world, path, query }) => {
    world.applications = world.applications.filter((a) => a.name !== path.application)
    return ok(
      {
        done: false,
        remains: [
          `namespace ${path.application}-dev`,
          ...(query.get('keepRepository') === 'true' ? ['the repository, which is kept'] : []),
        ],
      },
      202,
    )
  },
  'GET /api/v1/teams/{team}/applications/{application}/logs': (asked) => ({ events: logLines(asked), name: 'line' }),
  'GET /api/v1/environments': ({ world, query }) => page(world.environments, query),
  'POST /api/v1/teams/{team}/environments': ({ world, path, body }) => {
    const { name, description } = body as { name: string; description?: string }
    if (world.environments.some((e) => e.name === name))
      return {
        status: 409,
        body: problem(409, `environment ${path.team}/${name} exists already`, 'choose another name'),
      }
    const made = {
      name,
      description,
      team: path.team,
      governed: false,
      order: -1,
      state: 'progressing' as const,
      created: new Date().toISOString(),
      by: world.me.actor,
    }
    world.environments.push(made)
    return ok(made, 201)
  },
  'DELETE /api/v1/teams/{team}/environments/{environment}': ({ world, path }) => {
    world.environments = world.environments.filter((e) => e.name !== path.environment)
    return ok({ done: true, remains: [] }, 202)
  },

  'GET /api/v1/promotions': ({ world, query }) => {
    const { actor, grants } = world.me
    const waits = (p: Promotion) => p.state === 'open' && p.by.id !== actor.id && grants.includes(`approver:${p.team}`)
    const all = world.promotions.filter(
      (p) =>
        fits(query, 'team', p.team) &&
        fits(query, 'application', p.application) &&
        fits(query, 'to', p.to) &&
        fits(query, 'state', p.state) &&
        (query.get('waiting') !== 'true' || waits(p)),
    )
    return page(all.map(summary), query)
  },
  'POST /api/v1/teams/{team}/applications/{application}/promotions': ({ world, path, body }) => {
    const { from, to } = body as { from: string; to: string }
    const like = world.promotions[0]
    if (!like) return missing('promotion')
    const made: Promotion = {
      ...like,
      number: 48,
      team: path.team ?? '',
      application: path.application ?? '',
      from,
      to,
      by: world.me.actor,
      state: 'open',
    }
    world.promotions.unshift(made)
    return ok(made, 201)
  },
  'GET /api/v1/teams/{team}/applications/{application}/promotions/{number}': ({ world, path }) =>
    found(
      world.promotions.find((p) => p.number === Number(path.number)),
      `promotion ${path.number}`,
    ),
  'POST /api/v1/teams/{team}/applications/{application}/promotions/{number}/waivers': decide((p, { body, world }) => {
    const { gate, reason, until } = body as { gate: string; reason: string; until: string }
    const g = p.gates.find((x) => x.name === gate)
    if (g)
      Object.assign(g, {
        verdict: 'waived',
        waiver: { by: world.me.actor, at: new Date().toISOString(), reason, until },
      })
  }),
  'POST /api/v1/teams/{team}/applications/{application}/promotions/{number}/break-glass': decide(
    (p, { body, world }) => {
      p.breakGlass = { by: world.me.actor, at: new Date().toISOString(), reason: (body as { reason: string }).reason }
      Object.assign(p, { state: 'merged', brokenGlass: true, unreviewed: true })
    },
  ),
  'POST /api/v1/teams/{team}/applications/{application}/promotions/{number}/break-glass/review': decide(
    (p, { body, world }) => {
      const { accepted, comment } = body as { accepted: boolean; comment: string }
      if (p.breakGlass) p.breakGlass.review = { by: world.me.actor, at: new Date().toISOString(), accepted, comment }
      p.unreviewed = false
    },
  ),

  'GET /api/v1/audit/decisions': ({ world, query }) => {
    const all = world.decisions.filter(
      (d) =>
        fits(query, 'application', d.application) &&
        fits(query, 'environment', d.environment) &&
        fits(query, 'outcome', d.outcome) &&
        fits(query, 'subject', d.subject),
    )
    return page(all.map(decisionSummary).reverse(), query)
  },
  'GET /api/v1/audit/decisions/{index}': ({ world, path }) =>
    found(world.decisions[Number(path.index)], `decision ${path.index}`),
  'GET /api/v1/audit/checkpoint': ({ world }) =>
    world.decisions[0]
      ? ok(world.decisions[0].proof.checkpoint)
      : { status: 503, body: problem(503, 'the log has no entries yet', 'try again in a moment') },
  'GET /api/v1/audit/findings': ({ world, query }) => page(world.findings, query),
  'GET /api/v1/audit/export': () => ({ file: 'an archive' }),
  'POST /api/v1/policies/test': ({ world, body }) => {
    if ((body as { gates: string }).gates.includes('wrong')) {
      return { status: 422, body: problem(422, 'gates.yaml:3: no such field "wrong"', 'see the schema of gates') }
    }
    const d = world.decisions[0]
    return ok({
      replayed: 3,
      changed: d ? [{ decision: decisionSummary(d), would: 'refused', gates: d.gates }] : [],
      undecided: [],
    })
  },

  'GET /api/v1/platform/capabilities': ({ world }) => ok({ items: world.capabilities }),
  'GET /api/v1/platform/health': ({ world }) => ok(world.health),
  'GET /api/v1/events': () => ({ events: noEvents(), name: 'event', stays: true }),
}

function revoke({ world, path }: Asked): Answer {
  const token = world.tokens.find((t) => t.id === path.token)
  if (!token) return missing('token')
  Object.assign(token, { state: 'revoked', revoked: new Date().toISOString(), revokedBy: world.me.actor.username })
  return { status: 204 }
}
