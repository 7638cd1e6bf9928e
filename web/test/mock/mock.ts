import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Problem } from '../../src/api/_schema.gen'
import { type Found, find, wrongAnswer, wrongEvent, wrongRequest } from './openapi'
import { type Answer, type Asked, routes } from './routes'
import { newWorld, type World } from './world'

/** Which platform is invented: full of things, without any, without backends, broken, or with nobody signed in. */
export const scenarios = ['full', 'empty', 'absent', 'broken', 'stranger', 'no-role', 'approver', 'viewer'] as const

export type Scenario = (typeof scenarios)[number]

export interface Mock {
  (request: IncomingMessage, response: ServerResponse): void
  world: World
  /** Where the mock, or who asked it, did not keep to the API's description. */
  faults: string[]
  /** Writes, as "METHOD path body". */
  writes: string[]
  /** Ends the session, as time does. */
  signOut(): void
  signIn(): void
}

/** The token that writes must bear. */
const writeToken = 'the-token-for-writes'

/** Answers the API and the sign-in, and holds everything against docs/reference/openapi.json. */
export function newMock(scenario: string = 'full'): Mock {
  const world = adapt(newWorld(), scenario as Scenario)
  let signedIn = scenario !== 'stranger'
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    void handle(request, response).catch((cause: unknown) => {
      mock.faults.push(String(cause))
      response.destroy()
    })
  }
  const mock: Mock = Object.assign(handler, {
    world,
    faults: [],
    writes: [],
    signOut: () => {
      signedIn = false
    },
    signIn: () => {
      signedIn = true
    },
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mock')
    const method = request.method ?? 'GET'
    if (url.pathname.startsWith('/auth/')) {
      auth(url, response)
      return
    }
    const found = find(method, url.pathname)
    if (!found) {
      mock.faults.push(`${method} ${url.pathname} is not in the API`)
      send(response, 404, problem(404, 'there is no such route'))
      return
    }
    const text = await bodyOf(request)
    const refused = refuse(found, method, request)
    if (refused) {
      send(response, refused.status, refused)
      return
    }
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const fault = wrongRequest(found, url.searchParams, body)
    if (fault) {
      mock.faults.push(`${method} ${url.pathname}: ${fault}`)
      send(response, 422, problem(422, fault, 'compare the request with /api/openapi.json'))
      return
    }
    if (method !== 'GET') mock.writes.push(`${method} ${url.pathname} ${text}`.trim())
    await respond(
      found,
      { world, path: found.path, query: url.searchParams, body, last: String(request.headers['last-event-id'] ?? '') },
      response,
    )
  }

  function auth(url: URL, response: ServerResponse): void {
    if (url.pathname === '/auth/login') {
      signedIn = true
      response.writeHead(302, { Location: url.searchParams.get('return') ?? '/' }).end()
      return
    }
    signedIn = false
    send(response, 200, { redirect: '/' })
  }

  function refuse(found: Found, method: string, request: IncomingMessage): Problem | undefined {
    if (!signedIn) return problem(401, 'nobody is signed in', 'sign in at /auth/login')
    if (method !== 'GET' && request.headers['x-csrf-token'] !== writeToken) {
      return problem(403, "the write does not carry the session's token", 'send X-CSRF-Token')
    }
    if (identity.test(found.pattern)) return undefined
    if (scenario === 'absent')
      return problem(
        501,
        'this server has no such backend',
        'ask the administrator which capabilities the platform has',
      )
    if (scenario === 'broken')
      return problem(
        500,
        'something went wrong inside the server',
        "try again; if it stays so, give the administrator the request's name",
      )
    return undefined
  }

  async function respond(found: Found, asked: Asked, response: ServerResponse): Promise<void> {
    const route = routes[found.pattern]
    if (!route) throw new Error(`the mock has no ${found.pattern}`)
    const answer: Answer = await route(asked)
    if ('events' in answer) {
      await stream(found, answer, response)
      return
    }
    if ('file' in answer) {
      response
        .writeHead(200, {
          'Content-Type': 'application/zip',
          'Content-Disposition': 'attachment; filename="slipway-audit.zip"',
        })
        .end(answer.file)
      return
    }
    const fault = wrongAnswer(found, answer.status, answer.body)
    if (fault) mock.faults.push(fault)
    send(response, answer.status, answer.body)
  }

  async function stream(
    found: Found,
    answer: Extract<Answer, { events: unknown }>,
    response: ServerResponse,
  ): Promise<void> {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(': open\n\n')
    for await (const { id, data } of answer.events) {
      if (response.destroyed) return
      const fault = wrongEvent(found, data)
      if (fault) mock.faults.push(fault)
      response.write(`${id ? `id: ${id}\n` : ''}event: ${answer.name}\ndata: ${JSON.stringify(data)}\n\n`)
    }
    if (answer.stays) return
    response.end('event: end\ndata: {"reconnect":false}\n\n')
  }

  return mock
}

/** Routes that the server answers itself, whatever stands behind it. */
const identity = /\/api\/v1\/(me|people|tokens|device)\b/

function adapt(world: World, scenario: Scenario): World {
  if (scenario === 'no-role') world.me.grants = []
  if (scenario === 'viewer') world.me.grants = ['viewer:payments']
  if (scenario === 'approver') {
    world.me = {
      actor: { ...world.me.actor, id: 'p-linus', username: 'linus', name: 'Linus' },
      email: 'linus@example.test',
      grants: ['approver:payments', 'auditor'],
    }
  }
  if (scenario === 'empty') {
    Object.assign(world, {
      applications: [],
      environments: [],
      entities: [],
      edges: [],
      templates: [],
      promotions: [],
      decisions: [],
      findings: [],
      capabilities: [],
      tokens: [],
      people: [],
      health: { state: 'unknown', checks: [], at: new Date().toISOString() },
    })
  }
  return world
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

export function problem(status: number, detail: string, hint = ''): Problem {
  return {
    type: 'about:blank',
    title: 'Problem',
    status,
    detail,
    ...(hint && { hint }),
    instance: `urn:slipway:request:${randomUUID()}`,
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json'
  response.writeHead(status, body === undefined ? {} : { 'Content-Type': type, 'Cache-Control': 'no-store' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
