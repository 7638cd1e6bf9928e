import { readFileSync } from 'node:fs'
import type {
  Actor,
  Application,
  Build,
  Capability,
  Decision,
  Entity,
  EntitySummary,
  Environment,
  Event,
  Finding,
  GateResult,
  GraphEdge,
  Health,
  LogLine,
  Person,
  Promotion,
  Release,
  Run,
  Session,
  Template,
  Token,
} from '../../src/api/_schema.gen'

/** An invented platform: two teams, four applications, and enough trouble to show what trouble looks like. */

const hex = (seed: string, length: number) => seed.repeat(Math.ceil(length / seed.length)).slice(0, length)

export interface World {
  me: { actor: Actor; email: string; grants: string[] }
  applications: Application[]
  environments: Environment[]
  entities: Entity[]
  edges: GraphEdge[]
  templates: Template[]
  runs: Run[]
  promotions: Promotion[]
  decisions: Decision[]
  findings: Finding[]
  capabilities: Capability[]
  health: Health
  people: Person[]
  sessions: Session[]
  tokens: Token[]
  events: Event[]
  logs: LogLine[]
}

const now = Date.now()
const minutes = (n: number) => new Date(now - n * 60_000).toISOString()

const actor = (username: string, name: string, kind: Actor['kind'] = 'person'): Actor => ({
  id: `p-${hex(Buffer.from(username).toString('hex'), 20)}`,
  username,
  name,
  issuer: 'https://git.starter.localhost',
  subject: String(username.length),
  kind,
})

export const ada = actor('ada', 'Ada Lovelace')
export const grace = actor('grace', 'Grace Hopper')
const robot: Actor = { id: 'w-1', username: 'system:serviceaccount:ci:robot', kind: 'workload' }

const release = (application: string, version: string, seed: string, built: number): Release => ({
  image: `git.starter.localhost/payments/${application}`,
  digest: `sha256:${hex(seed, 64)}`,
  version,
  commit: hex(seed.split('').reverse().join(''), 40),
  manifests: hex(`${seed}9`, 40),
  built: minutes(built),
})

const orders14 = release('orders', 'v1.4.0', 'a17f', 45)
const orders13 = release('orders', 'v1.3.2', '5e0c', 3 * 24 * 60)
const orders12 = release('orders', 'v1.2.7', '90bb', 12 * 24 * 60)

const steps = (failed?: string): Build['steps'] =>
  ['clone', 'test', 'image', 'sbom', 'sign', 'provenance'].map((id, i, all) => {
    const broken = failed ? all.indexOf(failed) : all.length
    const state = i < broken ? 'succeeded' : i === broken ? 'failed' : 'skipped'
    const name = ['Clone', 'Test', 'Build the image', 'List what is in it', 'Sign', 'Say how it was built'][i] ?? id
    return {
      id,
      name,
      action: `ci:${id}`,
      state,
      ...(i <= broken && { started: minutes(60 - i), finished: minutes(59 - i) }),
      ...(i === broken && { error: 'exit status 1' }),
    }
  })

const build = (id: string, title: string, at: number, more: Partial<Build> = {}): Build => ({
  id,
  title,
  commit: hex(`${id.replace(/[^0-9a-f]/g, '')}c0ffee`, 40),
  branch: 'main',
  state: 'succeeded',
  started: minutes(at),
  finished: minutes(at - 1),
  steps: steps(),
  ...more,
})

const links = (application: string) => [
  { url: `https://cd.starter.localhost/applications/${application}`, title: 'Delivery' },
  { url: `https://workflows.starter.localhost/${application}`, title: 'Workflows' },
]

function applications(): Application[] {
  const orders: Application = {
    team: 'payments',
    name: 'orders',
    title: 'Orders',
    description: 'Takes orders, and tells the warehouse.',
    entity: 'component:default/orders',
    repository: 'https://git.starter.localhost/payments/orders',
    template: { namespace: 'default', name: 'go-service' },
    created: minutes(60 * 24 * 40),
    by: ada,
    links: links('orders'),
    deployments: [
      {
        environment: 'dev',
        namespace: 'orders-dev',
        release: orders14,
        health: 'healthy',
        since: minutes(44),
        url: 'https://orders.dev.starter.localhost',
        links: [{ url: 'https://cd.starter.localhost/applications/orders-dev', title: 'Delivery' }],
      },
      {
        environment: 'staging',
        namespace: 'orders-staging',
        release: orders13,
        health: 'degraded',
        reason: 'the image payments/orders:v1.3.2 does not exist in the registry',
        evidence: [
          'Deployment orders-staging/orders: 0 of 2 pods are ready',
          'Pod orders-7d4b9-x2x9k: ImagePullBackOff',
          'GET /v2/payments/orders/manifests/v1.3.2: 404 manifest unknown',
        ],
        since: minutes(20),
        url: 'https://orders.staging.starter.localhost',
      },
      {
        environment: 'prod',
        namespace: 'orders-prod',
        release: orders12,
        health: 'healthy',
        since: minutes(60 * 24 * 11),
        url: 'https://orders.starter.localhost',
      },
      {
        environment: 'pr-71',
        namespace: 'orders-pr-71',
        release: release('orders', 'pr-71', '71aa', 15),
        health: 'progressing',
        reason: 'waiting for 1 of 1 pods',
        preview: 'https://git.starter.localhost/payments/orders/pulls/71',
      },
    ],
    builds: [
      build('b-1042', 'Round amounts to whole cents', 3, {
        state: 'running',
        finished: undefined,
        steps: steps()?.slice(0, 2),
      }),
      build('b-1041', 'Tell the warehouse by events', 46, { release: orders14 }),
      build('b-1040', 'Tell the warehouse by events, with a mistake', 61, {
        state: 'failed',
        reason: 'TestEvents_AreSentOnce: sent 2 events, want 1 (events_test.go:41)',
        steps: steps('test'),
      }),
      build('b-1039', 'Retry payments', 60 * 24 * 3, { release: orders13 }),
      build('b-1038', 'Superseded', 60 * 24 * 4, { state: 'cancelled', branch: 'retry' }),
    ],
  }
  const invoices: Application = {
    team: 'payments',
    name: 'invoices',
    title: 'Invoices',
    description: 'Prints what is to be paid.',
    entity: 'component:default/invoices',
    repository: 'https://git.starter.localhost/payments/invoices',
    links: links('invoices'),
    deployments: [
      {
        environment: 'dev',
        namespace: 'invoices-dev',
        release: release('invoices', 'v0.9.1', '33d1', 300),
        health: 'healthy',
        since: minutes(290),
      },
      { environment: 'prod', namespace: 'invoices-prod', health: 'unknown', reason: 'no release was promoted yet' },
    ],
    builds: [
      build('b-77', 'Use A4', 301, { state: 'failed', reason: 'the linter found 2 mistakes', steps: steps('test') }),
    ],
  }
  const fraud: Application = {
    team: 'payments',
    name: 'fraud-nightly',
    title: 'Fraud report, nightly',
    links: [],
    deployments: [],
    builds: [],
  }
  const suggest: Application = {
    team: 'search',
    name: 'suggest',
    title: 'Suggestions',
    description: 'Completes what one types.',
    entity: 'component:default/suggest',
    repository: 'https://git.starter.localhost/search/suggest',
    links: links('suggest'),
    deployments: [
      {
        environment: 'dev',
        namespace: 'suggest-dev',
        release: release('suggest', 'v3.0.0', '7e57', 700),
        health: 'healthy',
        since: minutes(600),
      },
      {
        environment: 'prod',
        namespace: 'suggest-prod',
        release: release('suggest', 'v2.9.9', '2999', 9000),
        health: 'healthy',
        since: minutes(8000),
      },
    ],
    builds: [build('b-501', 'Faster', 700)],
  }
  const all = [orders, invoices, fraud, suggest]
  for (const a of all) a.build = a.builds.find((b) => b.state !== 'running') ?? a.builds[0]
  return all
}

function environments(): Environment[] {
  const shared = (name: string, order: number, governed: boolean, description: string): Environment => ({
    name,
    order,
    governed,
    description,
    state: 'healthy',
  })
  return [
    shared('dev', 0, false, 'Every build on the main branch.'),
    {
      ...shared('staging', 1, true, 'As prod, with made-up data.'),
      state: 'degraded',
      reason: '1 of 3 applications is not healthy',
    },
    shared('prod', 2, true, 'Where the customers are.'),
    {
      name: 'load-test',
      team: 'payments',
      namespace: 'payments-load-test',
      description: 'Before the fair',
      governed: false,
      order: -1,
      state: 'healthy',
      created: minutes(200),
      by: ada,
      expires: minutes(-60 * 24 * 2),
    },
    {
      name: 'pr-71',
      team: 'payments',
      namespace: 'orders-pr-71',
      governed: false,
      order: -1,
      state: 'progressing',
      created: minutes(15),
      by: robot,
      preview: 'https://git.starter.localhost/payments/orders/pulls/71',
    },
  ]
}

const source = (repository: string) => ({
  repository,
  path: 'catalog-info.yaml',
  commit: 'c0ffee',
  url: `https://git.starter.localhost/${repository}/src/catalog-info.yaml`,
})

function entities(): { entities: Entity[]; edges: GraphEdge[] } {
  const make = (
    kind: string,
    name: string,
    more: Partial<Entity> & { title?: string; description?: string; tags?: string[] } = {},
  ): Entity => {
    const { title, description, tags, ...rest } = more
    return {
      ref: `${kind.toLowerCase()}:default/${name}`,
      apiVersion: kind === 'Template' ? 'scaffolder.backstage.io/v1beta3' : 'backstage.io/v1alpha1',
      kind,
      metadata: { name, namespace: 'default', title, description, tags },
      spec: {},
      relations: [],
      errors: [],
      ...rest,
    }
  }
  const all: Entity[] = [
    make('Component', 'orders', {
      title: 'Orders',
      description: 'Takes orders, and tells the warehouse.',
      tags: ['go', 'service'],
      spec: { type: 'service', lifecycle: 'production', owner: 'group:default/payments', system: 'shop' },
      source: source('payments/orders'),
    }),
    make('Component', 'invoices', {
      title: 'Invoices',
      description: 'Prints what is to be paid.',
      tags: ['python'],
      spec: { type: 'service', lifecycle: 'production', owner: 'paymentz', system: 'shop' },
      errors: [
        {
          message: 'the owner group:default/paymentz is not in the catalogue; did you mean group:default/payments?',
          path: 'spec.owner',
          line: 9,
        },
      ],
      source: source('payments/invoices'),
    }),
    make('Component', 'suggest', {
      title: 'Suggestions',
      description: 'Completes what one types.',
      spec: { type: 'service', lifecycle: 'experimental', owner: 'group:default/search', system: 'shop' },
      source: source('search/suggest'),
    }),
    make('Component', 'shop-web', {
      title: 'Shop, in the browser',
      spec: { type: 'website', lifecycle: 'production', owner: 'group:default/search', system: 'shop' },
      source: source('search/shop-web'),
    }),
    make('API', 'orders-api', {
      title: 'Orders API',
      spec: { type: 'openapi', lifecycle: 'production', owner: 'group:default/payments' },
    }),
    make('API', 'suggest-api', {
      title: 'Suggestions API',
      spec: { type: 'grpc', lifecycle: 'experimental', owner: 'group:default/search' },
    }),
    make('Resource', 'orders-db', {
      title: 'Orders database',
      spec: { type: 'database', owner: 'group:default/payments' },
    }),
    make('System', 'shop', {
      title: 'Shop',
      description: 'All that sells.',
      spec: { owner: 'group:default/payments', domain: 'commerce' },
    }),
    make('Domain', 'commerce', { title: 'Commerce', spec: { owner: 'group:default/payments' } }),
    make('Group', 'payments', { title: 'Payments', spec: { type: 'team' } }),
    make('Group', 'search', { title: 'Search', spec: { type: 'team' } }),
    make('User', 'ada', { title: 'Ada Lovelace', spec: { memberOf: ['payments'] } }),
    make('User', 'grace', { title: 'Grace Hopper', spec: { memberOf: ['payments'] } }),
    make('Template', 'go-service', {
      title: 'Go service',
      tags: ['go', 'recommended'],
      spec: { type: 'service', owner: 'group:default/platform' },
    }),
    ...Array.from({ length: 60 }, (_, i) =>
      make('Component', `library-${String(i + 1).padStart(2, '0')}`, {
        tags: ['library'],
        spec: { type: 'library', lifecycle: i % 3 === 0 ? 'deprecated' : 'production', owner: 'group:default/search' },
      }),
    ),
  ]
  const pairs: [from: string, type: string, reverse: string, to: string][] = [
    ['component:default/orders', 'ownedBy', 'ownerOf', 'group:default/payments'],
    ['component:default/invoices', 'ownedBy', 'ownerOf', 'group:default/paymentz'],
    ['component:default/suggest', 'ownedBy', 'ownerOf', 'group:default/search'],
    ['component:default/shop-web', 'ownedBy', 'ownerOf', 'group:default/search'],
    ['component:default/orders', 'partOf', 'hasPart', 'system:default/shop'],
    ['component:default/invoices', 'partOf', 'hasPart', 'system:default/shop'],
    ['component:default/suggest', 'partOf', 'hasPart', 'system:default/shop'],
    ['component:default/shop-web', 'partOf', 'hasPart', 'system:default/shop'],
    ['component:default/orders', 'providesApi', 'apiProvidedBy', 'api:default/orders-api'],
    ['component:default/suggest', 'providesApi', 'apiProvidedBy', 'api:default/suggest-api'],
    ['component:default/shop-web', 'consumesApi', 'apiConsumedBy', 'api:default/orders-api'],
    ['component:default/shop-web', 'consumesApi', 'apiConsumedBy', 'api:default/suggest-api'],
    ['component:default/invoices', 'consumesApi', 'apiConsumedBy', 'api:default/orders-api'],
    ['component:default/orders', 'dependsOn', 'dependencyOf', 'resource:default/orders-db'],
    ['resource:default/orders-db', 'ownedBy', 'ownerOf', 'group:default/payments'],
    ['system:default/shop', 'partOf', 'hasPart', 'domain:default/commerce'],
    ['user:default/ada', 'memberOf', 'hasMember', 'group:default/payments'],
    ['user:default/grace', 'memberOf', 'hasMember', 'group:default/payments'],
  ]
  const byRef = new Map(all.map((e) => [e.ref, e]))
  for (const [from, type, reverse, to] of pairs) {
    byRef.get(from)?.relations.push({ type, target: to, ...(!byRef.has(to) && { missing: true }) })
    byRef.get(to)?.relations.push({ type: reverse, target: from })
  }
  return {
    entities: all,
    edges: pairs.filter(([, , , to]) => byRef.has(to)).map(([from, type, , to]) => ({ from, to, type })),
  }
}

export function summaryOf(e: Entity): EntitySummary {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const { name, namespace, title, description, tags } = e.metadata
  return {
    ref: e.ref,
    kind: e.kind,
    name,
    namespace,
    title,
    description,
    type: text(e.spec.type),
    lifecycle: text(e.spec.lifecycle),
    owner: e.relations.find((r) => r.type === 'ownedBy')?.target,
    system: e.relations.find((r) => r.type === 'partOf')?.target,
    tags: tags ?? [],
    errors: e.errors.length,
  }
}

function templates(): Template[] {
  const whose = {
    title: 'Whose it is',
    required: ['owner'],
    properties: {
      owner: {
        title: 'Owner',
        type: 'string',
        description: 'The team that answers for it.',
        'ui:field': 'OwnerPicker',
        'ui:options': { catalogFilter: { kind: 'Group' } },
      },
      system: {
        title: 'System',
        type: 'string',
        description: 'The system that it is a part of, if any.',
        'ui:field': 'EntityPicker',
        'ui:options': { catalogFilter: { kind: 'System' } },
      },
    },
  }
  const what = {
    title: 'What it is',
    required: ['name', 'description'],
    properties: {
      name: {
        title: 'Name',
        type: 'string',
        description: 'Names the repository, the image and the workload. Lower-case letters, digits and hyphens.',
        pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
        maxLength: 40,
        'ui:autofocus': true,
        'ui:help': 'It cannot be changed later.',
      },
      description: {
        title: 'Description',
        type: 'string',
        description: 'One sentence, for people who come across it.',
        maxLength: 200,
      },
    },
    'ui:order': ['name', 'description'],
  }
  const run = [
    { id: 'skeleton', name: 'Write the files', action: 'fetch:template' },
    { id: 'publish', name: 'Make the repository', action: 'publish:gitea' },
    { id: 'register', name: 'Enter it in the catalogue', action: 'catalog:register' },
  ]
  const base = { namespace: 'default', owner: 'group:default/platform', errors: [], steps: run }
  return [
    {
      ...base,
      name: 'go-service',
      title: 'Go service',
      description: 'An HTTP service in Go that needs nothing but the standard library.',
      type: 'service',
      tags: ['go', 'service', 'recommended'],
      parameters: [what, whose],
    },
    {
      ...base,
      name: 'everything',
      title: 'All kinds of fields',
      description: 'Asks for one of everything.',
      type: 'resource',
      tags: ['demo'],
      parameters: [
        {
          title: 'Fields',
          required: ['region', 'agreed'],
          properties: {
            region: {
              title: 'Region',
              type: 'string',
              enum: ['eu-1', 'eu-2', 'us-1'],
              enumNames: ['Europe 1', 'Europe 2', 'America'],
            },
            size: { title: 'Size', type: 'string', enum: ['small', 'large'], default: 'small', 'ui:widget': 'radio' },
            replicas: { title: 'Replicas', type: 'integer', minimum: 1, maximum: 10, default: 2 },
            days: {
              title: 'Days',
              type: 'array',
              uniqueItems: true,
              items: { type: 'string', enum: ['Monday', 'Tuesday'] },
              'ui:widget': 'checkboxes',
            },
            hosts: { title: 'Host names', type: 'array', items: { type: 'string', minLength: 3 } },
            notes: { title: 'Notes', type: 'string', 'ui:widget': 'textarea', 'ui:options': { rows: 3 } },
            password: { title: 'Password', type: 'string', 'ui:field': 'Secret' },
            repo: {
              title: 'Repository',
              type: 'string',
              'ui:field': 'RepoUrlPicker',
              'ui:options': { allowedHosts: ['git.starter.localhost'] },
            },
            backup: { title: 'Keep backups', type: 'boolean', default: false },
            agreed: { title: 'I know what it costs', type: 'boolean' },
            limits: {
              title: 'Limits',
              type: 'object',
              properties: { cpu: { title: 'Processors', type: 'number', default: 0.5 } },
            },
            odd: { title: 'Odd', type: 'string', 'ui:field': 'SomethingOfSomebody' },
          },
          dependencies: {
            backup: {
              oneOf: [
                { properties: { backup: { enum: [false] } } },
                {
                  properties: {
                    backup: { enum: [true] },
                    keep: { title: 'Days to keep', type: 'integer', minimum: 1 },
                  },
                  required: ['keep'],
                },
              ],
            },
          },
        },
      ],
    },
    {
      ...base,
      name: 'broken',
      title: 'Broken template',
      description: 'Its author mistyped an action.',
      tags: [],
      parameters: [],
      errors: [
        {
          message: 'the action publish:gitae is not known; did you mean publish:gitea?',
          path: 'spec.steps[1].action',
          line: 57,
        },
      ],
    },
  ]
}

function gates(): GateResult[] {
  const at = minutes(2)
  return [
    {
      name: 'tests-passed',
      title: 'Its tests passed',
      verdict: 'pass',
      reason: 'all 212 tests passed',
      evaluated: at,
      evidence: [
        {
          digest: `sha256:${hex('7e57', 64)}`,
          predicate: 'https://in-toto.io/attestation/test-result/v0.1',
          signer: 'builder',
          at: minutes(44),
          summary: '212 passed, 0 failed',
          url: 'https://git.starter.localhost/evidence/7e57',
        },
      ],
    },
    {
      name: 'provenance',
      title: 'Built here, from that commit',
      verdict: 'pass',
      reason: 'the provenance names this commit, this repository and the platform’s builder',
      evaluated: at,
      evidence: [
        {
          digest: `sha256:${hex('b111', 64)}`,
          predicate: 'https://slsa.dev/provenance/v1',
          signer: 'builder',
          at: minutes(44),
        },
        {
          digest: `sha256:${hex('b112', 64)}`,
          predicate: 'https://spdx.dev/Document/v2.3',
          signer: 'builder',
          at: minutes(44),
        },
      ],
    },
    {
      name: 'soak',
      title: 'Healthy in dev for an hour',
      verdict: 'fail',
      reason: 'healthy in dev for 44 minutes, and 1 hour is wanted',
      hint: 'wait 16 minutes more',
      evaluated: at,
      evidence: [],
    },
    {
      name: 'licences',
      title: 'No forbidden licence',
      verdict: 'not available',
      reason: 'the bill of materials could not be fetched from the registry',
      hint: 'see whether the registry is well: slipway why registry',
      evaluated: at,
      evidence: [],
    },
    {
      name: 'freeze',
      title: 'Outside of freezes',
      verdict: 'waived',
      reason: 'the freeze “fair” lasts until Sunday',
      evaluated: at,
      evidence: [],
      waiver: { by: grace, at: minutes(10), reason: 'The fix is what the fair waits for.', until: minutes(-60 * 20) },
    },
    {
      name: 'approvals',
      title: 'Approved by somebody else',
      verdict: 'fail',
      reason: '0 of 1 approvals',
      hint: 'an approver of payments reviews the pull request',
      evaluated: at,
      evidence: [],
    },
  ]
}

/** How a promotion's gates stand, as the server counts them. */
function progressOf(all: GateResult[]): Promotion['progress'] {
  const open = all.filter((g) => g.verdict === 'fail' || g.verdict === 'not available')
  return {
    passed: all.length - open.length,
    total: all.length,
    waits: open.map((g) => ({ name: g.name, verdict: g.verdict as 'fail' | 'not available', reason: g.reason })),
  }
}

function promotions(): Promotion[] {
  const base = (number: number, more: Partial<Promotion>): Promotion => ({
    number,
    team: 'payments',
    application: 'orders',
    from: 'staging',
    to: 'prod',
    release: orders14,
    state: 'healthy',
    by: ada,
    opened: minutes(60 * number),
    updated: minutes(50 * number),
    pullRequest: `https://git.starter.localhost/slipway/environments/pulls/${number}`,
    gates: [],
    approvals: [],
    policy: `sha256:${hex('9a7e', 64)}`,
    decisions: [],
    ...more,
  })
  return [
    base(47, {
      from: 'dev',
      to: 'staging',
      state: 'open',
      reason: '2 gates do not pass, and 1 is not available',
      progress: progressOf(gates()),
      opened: minutes(12),
      updated: minutes(2),
      gates: gates(),
      approvals: [
        {
          by: ada,
          at: minutes(9),
          commit: orders14.commit ?? '',
          counts: false,
          reason: 'who asked for the promotion cannot approve it',
        },
      ],
      previous: orders13,
      diff: [
        'diff --git a/environments/staging/orders/kustomization.yaml b/environments/staging/orders/kustomization.yaml',
        '--- a/environments/staging/orders/kustomization.yaml',
        '+++ b/environments/staging/orders/kustomization.yaml',
        '@@ -3,4 +3,4 @@ resources:',
        ' images:',
        ' - name: orders',
        '   newName: git.starter.localhost/payments/orders',
        `-  digest: ${orders13.digest}`,
        `+  digest: ${orders14.digest}`,
      ].join('\n'),
    }),
    base(46, {
      state: 'merged',
      reason: 'waiting for the roll-out',
      brokenGlass: true,
      unreviewed: true,
      by: grace,
      opened: minutes(90),
      updated: minutes(80),
      gates: gates(),
      breakGlass: { by: grace, at: minutes(80), reason: 'Payments are down, and this is the fix.' },
      decisions: [{ index: 4, outcome: 'broken glass', at: minutes(80) }],
      previous: orders12,
    }),
    base(42, {
      state: 'refused',
      reason: 'healthy in dev for 5 minutes, and 1 hour is wanted',
      gates: gates().slice(0, 3),
      decisions: [{ index: 1, outcome: 'refused', at: minutes(2000) }],
    }),
    base(41, {
      gates: gates().slice(0, 2),
      approvals: [{ by: grace, at: minutes(2400), commit: orders12.commit ?? '', counts: true }],
      decisions: [{ index: 0, outcome: 'allowed', at: minutes(2400) }],
    }),
    base(44, {
      team: 'search',
      application: 'suggest',
      from: 'dev',
      to: 'prod',
      state: 'rolled back',
      reason: 'the new version did not become ready within 5 minutes',
    }),
  ]
}

function capabilities(): Capability[] {
  const make = (name: string, tool: string, version: string, more: Partial<Capability> = {}): Capability => ({
    name,
    tool,
    version,
    state: 'healthy',
    links: [],
    ...more,
  })
  return [
    make('cluster', 'embedded', 'v1.34.3', { outputs: { apiServer: 'https://10.88.0.2:6443' } }),
    make('delivery', 'argo-cd', 'v3.2.11', { links: [{ url: 'https://cd.starter.localhost', title: 'Argo CD' }] }),
    make('git', 'gitea', '1.26.0', {
      links: [{ url: 'https://git.starter.localhost', title: 'Gitea' }],
      outputs: { url: 'https://git.starter.localhost', sshPort: '2222' },
    }),
    make('gateway', 'traefik', '3.6.2'),
    make('registry', 'gitea', '1.26.0', { state: 'degraded', reason: 'the volume is 96% full' }),
    make('workflow', 'argo-workflows', 'v3.7.3', { links: [{ url: 'https://workflows.starter.localhost' }] }),
    make('certificates', 'cert-manager', 'v1.21.0'),
    make('portal', 'console', '1', { links: [{ url: 'https://console.starter.localhost' }] }),
  ]
}

const health: Health = {
  state: 'degraded',
  at: minutes(1),
  checks: [
    { name: 'git answers', state: 'healthy' },
    { name: 'delivery is in sync', state: 'healthy' },
    {
      name: 'registry has room',
      state: 'degraded',
      reason: 'the volume is 96% full',
      hint: 'slipway registry prune, or a larger volume',
    },
    { name: 'certificates are valid', state: 'healthy' },
  ],
}

function people(): Person[] {
  const make = (a: Actor, grants: string[], groups: string[], more: Partial<Person> = {}): Person => ({
    id: a.id,
    username: a.username,
    name: a.name,
    email: `${a.username}@example.test`,
    grants,
    groups,
    seen: minutes(4),
    issuer: a.issuer ?? '',
    subject: a.subject ?? '',
    sessions: 1,
    ...more,
  })
  return [
    make(ada, ['developer:payments', 'approver:search'], ['payments:developers', 'search:approvers']),
    make(grace, ['approver:payments', 'auditor'], ['payments:approvers', 'auditors'], {
      seen: minutes(50),
      sessions: 2,
    }),
    make(actor('mallory', 'Mallory'), [], ['visitors'], {
      seen: minutes(9000),
      sessions: 0,
      shut: { by: 'root', at: minutes(8000), reason: 'Left the company.' },
    }),
  ]
}

function tokens(): Token[] {
  const make = (id: string, name: string, more: Partial<Token>): Token => ({
    id,
    name,
    kind: 'api',
    person: ada.id,
    scopes: ['viewer:payments'],
    state: 'good',
    created: minutes(60 * 24 * 20),
    expires: minutes(-60 * 24 * 70),
    ...more,
  })
  return [
    make('t-1', 'nightly report', { used: minutes(500) }),
    make('t-2', 'slipway-cli on laptop', {
      kind: 'cli',
      scopes: ['developer:payments', 'approver:search'],
      expires: minutes(-300),
      used: minutes(7),
    }),
    make('t-3', 'old script', { state: 'expired', expires: minutes(60 * 24) }),
  ]
}

const logs: LogLine[] = Array.from({ length: 120 }, (_, i) => ({
  at: minutes(120 - i),
  source: i % 40 < 30 ? 'orders-7d4b9-x2x9k/app' : 'orders-7d4b9-q8r5t/app',
  text:
    i % 17 === 0
      ? '\u001b[31mlevel=error\u001b[0m msg="warehouse did not answer" attempt=1 wait=200ms'
      : `level=info msg="order taken" order=${4000 + i} amount=${(i * 7.3).toFixed(2)}`,
}))

/** A platform of its own for each who asks. */
export function newWorld(): World {
  const { entities: all, edges } = entities()
  return {
    me: {
      actor: ada,
      email: 'ada@example.test',
      grants: ['approver:search', 'developer:payments', 'developer:search', 'platform-admin'],
    },
    applications: applications(),
    environments: environments(),
    entities: all,
    edges,
    templates: templates(),
    runs: [],
    promotions: promotions(),
    decisions: JSON.parse(readFileSync(new URL('../fixtures/decisions.json', import.meta.url), 'utf8')) as Decision[],
    findings: [
      {
        id: 'f-1',
        kind: 'image',
        team: 'payments',
        application: 'orders',
        environment: 'prod',
        subject: `sha256:${hex('bad0', 64)}`,
        object: 'Deployment orders-prod/orders',
        since: minutes(33),
        reason: 'this image runs, and no decision allowed it; somebody changed the Deployment by hand',
      },
      {
        id: 'f-2',
        kind: 'commit',
        environment: 'staging',
        subject: hex('bad1', 40),
        since: minutes(300),
        reason: 'this commit is on the branch of the environments, and Slipway did not merge it',
      },
    ],
    capabilities: capabilities(),
    health,
    people: people(),
    sessions: [
      {
        id: 's-1',
        current: true,
        created: minutes(60),
        seen: minutes(0),
        ends: minutes(-600),
        client: '127.0.0.1',
        agent: 'Mozilla/5.0 (X11; Linux x86_64) Chromium',
      },
      {
        id: 's-2',
        current: false,
        created: minutes(900),
        seen: minutes(700),
        ends: minutes(-100),
        client: '10.0.0.7',
        agent: 'Mozilla/5.0 (iPhone)',
      },
    ],
    tokens: tokens(),
    events: [],
    logs,
  }
}
