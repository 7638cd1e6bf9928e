import { expect, test } from 'vitest'
import { formPage, propertyNames } from '~/forms/schema'

test('hints are taken out of a schema, wherever they stand', () => {
  const page = formPage({
    title: 'Service',
    required: ['name'],
    properties: {
      name: { type: 'string', 'ui:autofocus': true, 'ui:field': 'EntityNamePicker' },
      ports: { type: 'array', items: { type: 'integer', 'ui:widget': 'updown' } },
    },
    dependencies: { name: { oneOf: [{ properties: { note: { type: 'string', 'ui:widget': 'textarea' } } }] } },
  })
  expect(page.title).toBe('Service')
  expect(JSON.stringify(page.schema)).not.toContain('ui:')
  expect(page.uiSchema).toEqual({
    name: { 'ui:autofocus': true, 'ui:field': 'EntityNamePicker' },
    ports: { items: { 'ui:widget': 'updown' } },
    note: { 'ui:widget': 'textarea' },
  })
})

test('a field that the console does not have is asked for by its schema alone', () => {
  expect(formPage({ properties: { a: { type: 'string', 'ui:field': 'Elsewhere' } } }).uiSchema).toEqual({})
})

test('a property called like a keyword stays a property', () => {
  const page = formPage({ properties: { properties: { type: 'string' }, items: { type: 'string', title: 'Items' } } })
  expect(page.schema.properties).toEqual({ properties: { type: 'string' }, items: { type: 'string', title: 'Items' } })
})

test('properties under conditions are among the names', () => {
  // biome-ignore lint/suspicious/noThenProperty: it is JSON Schema's
  const schema = { properties: { a: {} }, if: { properties: { a: {} } }, then: { properties: { b: {} } } }
  expect([...propertyNames(schema)]).toEqual(['a', 'b'])
})
