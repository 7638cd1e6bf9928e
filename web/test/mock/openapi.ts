import { readFileSync } from 'node:fs'
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** The API's description, against which what the mock takes and gives is held. */

type Tree = Record<string, unknown>

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

const document = JSON.parse(readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>
  components: Tree
}

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true, coerceTypes: false })
addFormats.default(ajv)
ajv.addSchema({ $id: 'https://api/', components: document.components })

const compiled = new Map<object, ValidateFunction>()

/** What is wrong with a value by a schema of the description; empty where nothing is. */
function wrong(schema: object, value: unknown): string {
  let validate = compiled.get(schema)
  if (!validate) {
    validate = ajv.compile(
      JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"https://api/#/components/')) as object,
    )
    compiled.set(schema, validate)
  }
  return validate(value) ? '' : ajv.errorsText(validate.errors)
}

export interface Found {
  pattern: string
  path: Record<string, string>
  operation: Operation
}

/** The operation that a request is for. */
export function find(method: string, pathname: string): Found | undefined {
  const steps = pathname.split('/')
  for (const [pattern, item] of Object.entries(document.paths)) {
    const operation = item[method.toLowerCase()]
    const parts = pattern.split('/')
    if (!operation || parts.length !== steps.length) continue
    const path: Record<string, string> = {}
    const fits = parts.every((part, i) => {
      const name = /^\{(.+)\}$/.exec(part)?.[1]
      if (name) path[name] = decodeURIComponent(steps[i] ?? '')
      return name !== undefined || part === steps[i]
    })
    if (fits) return { pattern: `${method} ${pattern}`, path, operation }
  }
  return undefined
}

/** Holds a request against the description; it says what is wrong. */
export function wrongRequest({ operation, path }: Found, query: URLSearchParams, body: unknown): string {
  const known = new Set(operation.parameters?.filter((p) => p.in === 'query').map((p) => p.name))
  const unknown = [...query.keys()].filter((name) => !known.has(name))
  const faults = unknown.map((name) => `there is no query parameter ${name}`)
  for (const p of operation.parameters ?? []) {
    const text = p.in === 'query' ? query.get(p.name) : p.in === 'path' ? (path[p.name] ?? null) : null
    if (text === null) {
      if (p.required && p.in !== 'header') faults.push(`${p.in} parameter ${p.name} is missing`)
      continue
    }
    const fault = wrong(p.schema, parsed(p.schema, text))
    if (fault) faults.push(`${p.in}.${p.name}: ${fault}`)
  }
  const json = operation.requestBody?.content['application/json']
  if (json) {
    const fault = wrong(json.schema, body)
    if (fault) faults.push(`body: ${fault}`)
  }
  return faults.join('; ')
}

function parsed(schema: { type?: string }, text: string): unknown {
  if (schema.type === 'integer' || schema.type === 'number') return Number(text)
  if (schema.type === 'boolean') return text === 'true'
  return text
}

/** Holds an answer against the description. */
export function wrongAnswer({ operation, pattern }: Found, status: number, body: unknown): string {
  const response = operation.responses[String(status)] ?? operation.responses.default
  if (!response) return `${pattern} has no answer ${status}`
  const content = response.content?.['application/json'] ?? response.content?.['application/problem+json']
  if (!content) return body === undefined ? '' : `${pattern} answers ${status} without a body`
  const fault = wrong(content.schema, body)
  return fault && `${pattern} ${status}: ${fault}`
}

/** Holds one event of a stream against the description. */
export function wrongEvent({ operation, pattern }: Found, data: unknown): string {
  const stream = operation.responses['200']?.content?.['text/event-stream']
  const schema = stream?.schema as { items?: object } | undefined
  if (!schema?.items) return `${pattern} is no stream`
  const fault = wrong(schema.items, data)
  return fault && `${pattern}, an event: ${fault}`
}
