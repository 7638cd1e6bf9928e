import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema'
import {
  type CustomValidator,
  createErrorHandler,
  type ErrorTransformer,
  type RJSFSchema,
  type RJSFValidationError,
  toErrorSchema,
  type UiSchema,
  unwrapErrorHandler,
  type ValidationData,
  type ValidatorType,
  validationDataMerge,
} from '@rjsf/utils'

/**
 * Checks forms against their JSON Schema (draft 7, which Backstage uses). Most validators make programs of schemas,
 * which the Content-Security-Policy rightly forbids; this one walks them.
 */
export const validator: ValidatorType = {
  validateFormData(
    data: unknown,
    schema: RJSFSchema,
    custom?: CustomValidator,
    transform?: ErrorTransformer,
    uiSchema?: UiSchema,
  ): ValidationData<unknown> {
    const found = check(schema, data)
    const errors = transform ? transform(found, uiSchema) : found
    const all = { errors, errorSchema: toErrorSchema(errors) }
    if (!custom) return all
    const handled = custom(data, createErrorHandler(data), uiSchema)
    return validationDataMerge(all, unwrapErrorHandler(handled))
  },

  isValid(schema: RJSFSchema, data: unknown, root: RJSFSchema): boolean {
    try {
      return newValidator(schema, root).validate(withoutUndefined(data)).valid
    } catch {
      return false
    }
  },

  rawValidation<Result>(schema: RJSFSchema, data?: unknown) {
    return { errors: check(schema, data) as Result[] }
  },
}

function newValidator(schema: RJSFSchema, root?: RJSFSchema): Validator {
  // A part of a schema refers to definitions of the whole.
  const { definitions, $defs } = root ?? {}
  return new Validator(
    { ...(definitions && { definitions }), ...($defs && { $defs }), ...schema } as Schema,
    '7',
    false,
  )
}

/** A field that was emptied has the value undefined, which JSON does not know. */
function withoutUndefined(data: unknown): unknown {
  return data === undefined ? null : JSON.parse(JSON.stringify(data))
}

function check(schema: RJSFSchema, data: unknown): RJSFValidationError[] {
  try {
    const { errors } = newValidator(schema).validate(withoutUndefined(data))
    return telling(errors).map((unit) => describe(unit, schema))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    return [{ name: 'schema', property: '.', message, stack: `The template's form has a mistake: ${message}` }]
  }
}

/** Keywords that only say that something below them is wrong. */
const containers = new Set([
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'additionalItems',
  'allOf',
  'if',
  '$ref',
  'dependencies',
  'dependentSchemas',
])

/** Leaves out what says nothing: that something below is wrong, and why each single alternative does not fit. */
function telling(units: OutputUnit[]): OutputUnit[] {
  const choices = units.filter((u) => ['anyOf', 'oneOf', 'not'].includes(u.keyword)).map((u) => `${u.keywordLocation}/`)
  return units.filter(
    (u) => !containers.has(u.keyword) && !choices.some((choice) => u.keywordLocation.startsWith(choice)),
  )
}

function describe(unit: OutputUnit, schema: RJSFSchema): RJSFValidationError {
  const missing = unit.keyword === 'required' ? /"(.*)"\.$/.exec(unit.error)?.[1] : undefined
  const steps = pointer(unit.instanceLocation)
  if (missing !== undefined) steps.push(missing)
  const property = steps.map((s) => `.${s}`).join('')
  const message = words(unit, keywordValue(schema, pointer(unit.keywordLocation)))
  return { name: unit.keyword, property, message, stack: `${property.slice(1)}: ${message}` }
}

/** The steps of a JSON Pointer in a URI's fragment (RFC 6901, section 6). */
function pointer(text: string): string[] {
  return text
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What a schema says at a place, which may lie beyond references. */
function keywordValue(root: unknown, steps: string[]): unknown {
  let at: unknown = root
  for (const step of steps) {
    const value: unknown = (at as Record<string, unknown> | undefined)?.[step]
    at = step === '$ref' && typeof value === 'string' ? keywordValue(root, pointer(value)) : value
  }
  return at
}

const types: Record<string, string> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'yes or no',
  array: 'a list',
}

/** What is wrong, for who fills in the form. */
function words(unit: OutputUnit, value: unknown): string {
  switch (unit.keyword) {
    case 'required':
      return 'This is needed.'
    case 'type':
      return `This must be ${types[String(value)] ?? String(value)}.`
    case 'minLength':
      return value === 1 ? 'This is needed.' : `This needs at least ${value} characters.`
    case 'maxLength':
      return `This may have ${value} characters at most.`
    case 'minimum':
      return `This must be ${value} or more.`
    case 'maximum':
      return `This must be ${value} or less.`
    case 'exclusiveMinimum':
      return `This must be more than ${value}.`
    case 'exclusiveMaximum':
      return `This must be less than ${value}.`
    case 'multipleOf':
      return `This must be a multiple of ${value}.`
    case 'minItems':
      return `This needs at least ${value} entries.`
    case 'maxItems':
      return `This may have ${value} entries at most.`
    case 'uniqueItems':
      return 'Each entry may stand here but once.'
    case 'pattern':
      return `This must fit the pattern ${value}`
    case 'format':
      return `This is no ${value}.`
    case 'const':
      return `This must be ${JSON.stringify(value)}.`
    case 'enum':
      return `This must be one of ${(value as unknown[]).map((v) => JSON.stringify(v)).join(', ')}.`
    default:
      return unit.error
  }
}
