import { expect, test } from 'vitest'
import {
  expectAccessible,
  expectNoComplaints,
  type Look,
  overflow,
  picture,
  settled,
  startConsole,
  turn,
  visit,
} from './harness'

/** Every page: drawn, accessible and without a complaint of the browser, in both themes, on a phone and on a desk. */
const pages: [name: string, path: string, heading: string][] = [
  ['home', '/', 'Home'],
  ['applications', '/applications', 'Applications'],
  ['application', '/applications/payments/orders', 'Orders'],
  ['application-new', '/applications/payments/fraud-nightly', 'Fraud report, nightly'],
  ['builds', '/applications/payments/orders/builds', 'Orders'],
  ['build', '/applications/payments/orders/builds/b-1040', 'Orders'],
  ['build-running', '/applications/payments/orders/builds/b-1042', 'Orders'],
  ['logs', '/applications/payments/orders/logs?environment=dev', 'Orders'],
  ['application-promotions', '/applications/payments/orders/promotions', 'Orders'],
  ['delete', '/applications/payments/orders/settings', 'Orders'],
  ['environments', '/environments', 'Environments'],
  ['promotions', '/promotions', 'Promotions'],
  ['promotion', '/promotions/payments/orders/47', 'orders: dev → staging'],
  ['broken-glass', '/promotions/payments/orders/46', 'orders: staging → prod'],
  ['catalogue', '/catalog', 'Catalogue'],
  ['catalogue-filtered', '/catalog?kind=API', 'Catalogue'],
  ['entity', '/catalog/component/default/orders', 'Orders'],
  ['entity-errors', '/catalog/component/default/invoices', 'Invoices'],
  ['templates', '/create', 'Create'],
  ['wizard', '/create/default/go-service', 'Go service'],
  ['wizard-fields', '/create/default/everything', 'All kinds of fields'],
  ['template-broken', '/create/default/broken', 'Broken template'],
  ['audit', '/audit', 'Audit'],
  ['decision', '/audit/decisions/4', 'orders → prod'],
  ['findings', '/audit/findings', 'Audit'],
  ['policy-test', '/audit/policy-test', 'Audit'],
  ['platform', '/platform', 'Platform'],
  ['people', '/people', 'People'],
  ['person', '/people/p-6d616c6c6f72796d616c', 'Mallory'],
  ['tokens', '/people/tokens', 'People'],
  ['settings', '/settings', 'Settings'],
  ['device', '/device', 'Sign a command line in'],
  ['device-confirm', '/device?code=BDWP-HQKR', 'Sign a command line in'],
  ['not-found', '/nowhere', 'There is no such page'],
]

/** Every width and every theme; contrast depends on the theme alone, and what is cut off on the width. */
const looks: Look[] = [
  { scheme: 'light', width: 1280 },
  { scheme: 'dark', width: 375 },
]

test.each(pages)('%s is usable and accessible', async (name, path, heading) => {
  const console = await startConsole()
  const v = await visit(console.url + path, looks[0])
  await v.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
  await settled(v.page)
  for (const look of looks) {
    await turn(v.page, look)
    await picture(v.page, `${name}-${look.scheme}-${look.width}`)
    await expectAccessible(v.page, `${look.scheme}, ${look.width} px`)
    expect(await overflow(v.page), `${look.width} px`).toEqual([])
  }
  expectNoComplaints(v, console)
})

test('a build that runs says for how long, by the second', async () => {
  const console = await startConsole()
  const v = await visit(`${console.url}/applications/payments/orders/builds/b-1042`, looks[0])
  const facts = () => v.page.locator('.build-facts').textContent()
  await expect.poll(facts).toMatch(/running for \d+ min \d+ s/)
  const first = await facts()
  await expect.poll(facts, { timeout: 5_000 }).not.toBe(first)
})
