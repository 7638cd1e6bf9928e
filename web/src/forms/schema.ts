import type { RJSFSchema, UiSchema } from '@rjsf/utils'

/** A page of a template's form: a JSON Schema, and apart from it the hints on how to show it. */
export interface FormPage {
  title: string
  description?: string
  schema: RJSFSchema
  uiSchema: UiSchema
}

/** The fields of Backstage's scaffolder that the console has (fields.tsx). */
export const knownFields = [
  'EntityNamePicker',
  'Secret',
  'OwnerPicker',
  'MyGroupsPicker',
  'EntityPicker',
  'OwnedEntityPicker',
  'RepoUrlPicker',
] as const

export type KnownField = (typeof knownFields)[number]

type Tree = Record<string, unknown>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Takes the `ui:` hints out of a schema, which Backstage's templates have among the schema's own words. */
export function formPage(parameters: Tree): FormPage {
  const { title, description, ...rest } = parameters
  const { schema, ui } = split({ type: 'object', ...rest })
  return {
    title: typeof title === 'string' ? title : 'Parameters',
    description: typeof description === 'string' ? description : undefined,
    schema: schema as RJSFSchema,
    uiSchema: ui,
  }
}

/** Keywords below which further properties of the same object may be declared. */
const sameObject = new Set(['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'])

function split(tree: Tree): { schema: Tree; ui: UiSchema } {
  const schema: Tree = {}
  const ui: UiSchema = {}
  for (const [key, value] of Object.entries(tree)) {
    if (key.startsWith('ui:')) {
      // A field that is not known here is asked for by its schema alone.
      if (key !== 'ui:field' || knownFields.includes(value as KnownField)) ui[key] = value
    } else schema[key] = below(key, value, ui)
  }
  return { schema, ui }
}

/** The value of a keyword without hints; the hints go into ui. */
function below(key: string, value: unknown, ui: UiSchema): unknown {
  if (key === 'properties' && isTree(value)) return properties(value, ui)
  if (key === 'items' && isTree(value)) {
    const { schema, ui: hints } = split(value)
    if (Object.keys(hints).length > 0) ui.items = hints
    return schema
  }
  if (key === 'dependencies' && isTree(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, isTree(v) ? merged(v, ui) : v]))
  }
  if (sameObject.has(key)) {
    if (Array.isArray(value)) return value.map((v) => (isTree(v) ? merged(v, ui) : v))
    if (isTree(value)) return merged(value, ui)
  }
  return value
}

function properties(value: Tree, ui: UiSchema): Tree {
  const out: Tree = {}
  for (const [name, property] of Object.entries(value)) {
    if (!isTree(property)) {
      out[name] = property
      continue
    }
    const { schema, ui: hints } = split(property)
    out[name] = schema
    // What stands under a condition must not take away what was said before it.
    if (Object.keys(hints).length > 0) ui[name] = { ...hints, ...ui[name] }
  }
  return out
}

/** A part of the same object: its hints are the object's. */
function merged(tree: Tree, ui: UiSchema): Tree {
  const { schema, ui: hints } = split(tree)
  for (const [name, hint] of Object.entries(hints)) {
    if (!(name in ui)) ui[name] = hint
    else if (isTree(hint) && isTree(ui[name])) ui[name] = { ...hint, ...ui[name] }
  }
  return schema
}

/** The names of all properties that a page may ask for, those under conditions included. */
export function propertyNames(schema: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(schema)) for (const s of schema) propertyNames(s, found)
  if (!isTree(schema)) return found
  if (isTree(schema.properties)) for (const name of Object.keys(schema.properties)) found.add(name)
  for (const key of sameObject) propertyNames(schema[key], found)
  if (isTree(schema.dependencies)) propertyNames(Object.values(schema.dependencies), found)
  return found
}
