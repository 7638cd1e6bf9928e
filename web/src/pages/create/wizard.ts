import type { NewApplication, NewRun, Template } from '~/api/_schema.gen'
import { type FormPage, propertyNames } from '~/forms/schema'

/** What the wizard knows, apart from how it is shown. */

export type Values = Record<string, unknown>

/** The names that applications may have (the API's own pattern). */
const applicationName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** All pages' values in one, as a run takes them. */
export function allValues(pages: Values[]): Values {
  return Object.assign({}, ...pages)
}

/** The values that a page starts with: an owner that is asked for is the team itself, until somebody says otherwise. */
export function startValues(page: FormPage, team: string): Values {
  const values: Values = {}
  for (const [name, hints] of Object.entries(page.uiSchema)) {
    const field = (hints as Record<string, unknown> | undefined)?.['ui:field']
    if (field === 'OwnerPicker' || field === 'MyGroupsPicker') values[name] = `group:default/${team}`
  }
  return values
}

/** What is asked of the server: an application, where the template asks for the name of one; otherwise a run. */
export type Order = { application: NewApplication } | { run: NewRun }

export function orderOf(template: Template, pages: FormPage[], values: Values): Order {
  const ref = { namespace: template.namespace, name: template.name }
  const asksForName = pages.some((p) => propertyNames(p.schema).has('name'))
  if (asksForName && typeof values.name === 'string' && applicationName.test(values.name)) {
    return { application: { name: values.name, template: ref, values } }
  }
  return { run: { template: ref, values } }
}

/** A value for people to look over. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return JSON.stringify(value)
}
