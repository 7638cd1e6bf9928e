import { expect, test } from 'vitest'
import { asApiError, problemOf } from '~/api/problem'
import { paths } from '~/lib/paths'
import { ago, duration, parseRef, refName, short, size } from '~/lib/words'

const now = Date.parse('2026-03-02T09:00:00Z')
test.each([
  ['2026-03-02T08:59:55Z', 'just now'],
  ['2026-03-02T08:59:20Z', '40 seconds ago'],
  ['2026-03-02T08:55:00Z', '5 minutes ago'],
  ['2026-03-05T09:00:00Z', 'in 3 days'],
  ['2024-03-02T09:00:00Z', '2 years ago'],
])('%s is %s', (at, want) => expect(ago(at, now)).toBe(want))

test('durations, digests and sizes are short', () => {
  expect(duration('2026-03-02T09:00:00Z', '2026-03-02T09:01:05Z')).toBe('1 min 5 s')
  expect(duration('2026-03-02T09:00:00Z', '2026-03-02T08:00:00Z')).toBe('0 s')
  expect(short(`sha256:9f86d081884c${'0'.repeat(52)}`)).toBe('9f86d081884c')
  expect(size(1400)).toBe('1.4 kB')
})

test('references are taken apart, and lead to their page', () => {
  expect(parseRef('orders')).toEqual({ kind: '', namespace: 'default', name: 'orders' })
  expect(refName('component:shop/orders')).toBe('shop/orders')
  expect(paths.entity('Component:default/orders')).toBe('/catalog/component/default/orders')
})

test('what the server says is wrong is kept; what a proxy says is not', async () => {
  const body = { detail: 'no such team', hint: 'make it', instance: 'urn:slipway:request:r-1' }
  const json = { 'Content-Type': 'application/problem+json' }
  expect(await problemOf(new Response(JSON.stringify(body), { status: 404, headers: json }))).toMatchObject({
    status: 404,
    message: 'no such team',
    hint: 'make it',
    request: 'r-1',
  })
  const proxy = await problemOf(new Response('<html>', { status: 502, statusText: 'Bad Gateway' }))
  expect(proxy).toMatchObject({ status: 502, message: 'Bad Gateway', hint: '' })
  expect(asApiError(new TypeError('fetch')).transient).toBe(true)
})
