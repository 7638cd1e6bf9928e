import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectAccessible, overflow, picture, settled, turn } from '../browser/harness'
import { approveInGit, closeBrowser, open, platform, type Session, show, signIn, sitDown } from './harness'

/**
 * What people do in the console of a running platform, one step after the other: a developer, an approver and an
 * auditor, each in a browser of their own. Nothing here sleeps; what takes as long as a build is given the time that
 * a build may take.
 */
const { developer, approver, auditor } = platform.people
const name = `site-${Date.now().toString(36)}`
const application = `/applications/${platform.team}/${name}`
const minutes = (n: number) => n * 60_000

let ada: Session
let bob: Session
let eve: Session
beforeAll(async () => {
  ada = await sitDown()
  bob = await sitDown()
  eve = await sitDown()
})
afterAll(closeBrowser)

test('a stranger is shown nothing but the way in', async () => {
  await open(ada.page, '/catalog', 'Slipway')
  await picture(ada.page, 'platform-sign-in')
  expect(await ada.page.getByRole('navigation').count()).toBe(0)
  await expectAccessible(ada.page)
})

test('signing in leads back to the page that was asked for', async () => {
  await signIn(ada.page, developer)
  expect(new URL(ada.page.url()).pathname).toBe('/catalog')
  await ada.page.getByRole('heading', { level: 1, name: 'Catalogue' }).waitFor()
})

test('the page comes with a policy that allows nothing inline', async () => {
  const answer = await ada.page.goto(platform.url)
  expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self' 'nonce-/)
  expect(await answer?.text()).not.toContain('__CSP_NONCE__')
})

test('a developer makes an application from a template: tried first, then made', { timeout: minutes(5) }, async () => {
  const { page } = ada
  await open(page, '/create', 'Create')
  await page.getByRole('link', { name: 'Static site' }).click()
  await page.getByRole('textbox', { name: /^Name/ }).fill('Not A Name')
  await page.getByRole('textbox', { name: /^Description/ }).fill('A page of the browser test')
  await page.getByRole('button', { name: 'Next' }).click()
  // What the schema refuses stays on its page, and is said at the field.
  await page
    .getByText(/pattern/)
    .first()
    .waitFor()
  await page.getByRole('textbox', { name: /^Name/ }).fill(name)
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByRole('combobox', { name: /^Owner/ }).waitFor()
  await page.getByRole('button', { name: 'Next' }).click()

  await page.getByText('A trial, which touched nothing').waitFor()
  await page.getByText('catalog-info.yaml').first().waitFor()
  await picture(page, 'platform-dry-run')
  await show(page, 'create-trial')
  await expectAccessible(page)
  const there = await page.evaluate(
    (address) => fetch(address).then((r) => r.status),
    `/api/v1/teams/${platform.team}/applications/${name}`,
  )
  expect(there).toBe(404)

  await page.getByRole('button', { name: /^Create/ }).click()
  await page.getByText('Done', { exact: true }).waitFor({ timeout: minutes(3) })
  await picture(page, 'platform-run')
  await expectAccessible(page)
  await page.getByRole('link', { name: `Open ${name}` }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
})

test('its build starts by itself, and its log is shown while it is written', { timeout: minutes(10) }, async () => {
  const { page } = ada
  const builds = page.getByRole('list', { name: 'Builds' })
  await builds
    .getByRole('link')
    .first()
    .click({ timeout: minutes(4) })
  const lines = page.locator('.log-line')
  // From the first step on, and while the build goes on.
  await page
    .locator('.log-source')
    .getByText('clone', { exact: true })
    .waitFor({ timeout: minutes(4) })
  await page.locator('.build-state').getByText('Running').waitFor()
  await page
    .getByRole('region', { name: 'Steps' })
    .getByText(/running|succeeded/)
    .first()
    .waitFor()
  await picture(page, 'platform-build')
  await show(page, 'build')
  await page
    .locator('.build-state')
    .getByText('Succeeded')
    .waitFor({ timeout: minutes(8) })
  await page.getByText('This is the whole log.').waitFor()
  expect(await lines.count()).toBeGreaterThan(5)
})

/** A stage of the application's pipeline, on the page that is open. */
const stage = (s: Session, environment: string) =>
  s.page
    .locator('.pipeline > li')
    .filter({ has: s.page.getByRole('heading', { level: 3, name: new RegExp(`^${environment}`) }) })

/** Waits until an environment has the application, and it answers there as people reach it. */
async function live(s: Session, environment: string): Promise<void> {
  await open(s.page, application, name)
  const here = stage(s, environment)
  await here.getByText('Healthy', { exact: true }).waitFor({ timeout: minutes(5) })
  const address = await here
    .getByRole('link', { name: /\(opens in a new tab\)$/ })
    .first()
    .getAttribute('href')
  const other = await s.context.newPage()
  await expect
    .poll(async () => (await other.goto(address ?? '').catch(() => undefined))?.status(), { timeout: minutes(2) })
    .toBe(200)
  await other.close()
  await s.page.bringToFront()
}

test('what was built is live in dev', { timeout: minutes(8) }, async () => {
  await live(ada, 'dev')
  await picture(ada.page, 'platform-application')
  await turn(ada.page, { scheme: 'dark', width: 375 })
  await picture(ada.page, 'platform-application-phone')
  expect(await overflow(ada.page)).toEqual([])
  await expectAccessible(ada.page)
  await turn(ada.page, { scheme: 'light', width: 1280 })
})

test('the developer asks for a promotion, and their own approval does not count', {
  timeout: minutes(5),
}, async () => {
  const { page } = ada
  await stage(ada, 'dev')
    .getByRole('button', { name: /^Promote to/ })
    .click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox', { name: 'To' }).selectOption('prod')
  await dialog.getByRole('textbox', { name: 'Note for the reviewers' }).fill('the first one')
  await dialog.getByRole('button', { name: 'Ask for the promotion' }).click()
  await page.getByRole('heading', { level: 1, name: `${name}: dev → prod` }).waitFor()
  await page.getByText(/your own approval does not count/).waitFor()

  const pull = await page.getByRole('link', { name: /^Pull request/ }).getAttribute('href')
  const git = await ada.context.newPage()
  await git.goto(`${pull}/files`)
  await approveInGit(git)
  await git.close()
  await page.bringToFront() // a page that nobody looks at is not kept up to date
  const approvals = page.getByRole('region', { name: 'Approvals' })
  await approvals.getByText('does not count').waitFor({ timeout: minutes(2) })
  await approvals.getByText(/has not the role|asked for|wrote some of/i).waitFor()
  await page.getByRole('list', { name: 'How far it is' }).getByText('by nobody yet').waitFor()
  await picture(page, 'platform-promotion-own')
})

test('the approver sees on the first page that it waits for them, and on what it rests', {
  timeout: minutes(5),
}, async () => {
  const { page } = bob
  await open(page, '/', 'Slipway')
  await signIn(page, approver)
  const waiting = page.getByRole('region', { name: 'Waiting on you' })
  await waiting.getByRole('link', { name: `Approve ${name}: dev → prod` }).waitFor({ timeout: minutes(2) })
  await page.getByText(/\d waiting for your approval/).waitFor({ state: 'attached' })
  await picture(page, 'platform-waiting')
  await show(page, 'home', ['light', 'dark', 'phone'])
  await expectAccessible(page)
  await waiting.getByRole('link', { name: `Approve ${name}: dev → prod` }).click()

  await page.getByRole('heading', { level: 1, name: `${name}: dev → prod` }).waitFor()
  await settled(page)
  const gates = page.getByRole('region', { name: 'Gates' })
  for (const gate of ['Tests', 'Signature', 'Provenance', 'Sbom']) {
    const one = gates.getByRole('listitem').filter({ has: page.getByRole('heading', { name: gate, exact: true }) })
    await one.getByText('Passed', { exact: true }).waitFor({ timeout: minutes(2) })
  }
  // The first gate that has evidence shows whose it is.
  await gates
    .getByText(/^Evidence|pieces of evidence/)
    .first()
    .click()
  await gates.getByText('Statement', { exact: true }).first().waitFor()
  await picture(page, 'platform-promotion')
  await show(page, 'promotion', ['light', 'dark', 'phone'])
  await expectAccessible(page)
})

test('they approve it in Git, and it is decided, merged and live', { timeout: minutes(12) }, async () => {
  const { page } = bob
  const [git] = await Promise.all([
    bob.context.waitForEvent('page'),
    page.getByRole('link', { name: /^Review and approve in Git/ }).click(),
  ])
  await approveInGit(git)
  await git.close()
  await page.bringToFront() // a page that nobody looks at is not kept up to date
  const approvals = page.getByRole('region', { name: 'Approvals' })
  await approvals.getByText('counts', { exact: true }).waitFor({ timeout: minutes(2) })
  // The soak is waited for, then the log is written, then it is merged and rolled out.
  await page
    .locator('.page-title')
    .getByText('Healthy', { exact: true })
    .waitFor({ timeout: minutes(8) })
  await picture(page, 'platform-promoted')
  await expectAccessible(page)
  await live(ada, 'prod')
  await picture(ada.page, 'platform-application-in-prod')
  await show(ada.page, 'application', ['light', 'dark', 'phone'])
})

test('the auditor sees the decision, and checks it in their browser', { timeout: minutes(4) }, async () => {
  const { page } = eve
  await open(page, '/audit', 'Slipway')
  await signIn(page, auditor)
  await page.getByRole('link', { name: `${name} → prod` }).click()
  await page.getByRole('heading', { level: 1, name: `${name} → prod` }).waitFor()
  const proof = page.getByRole('region', { name: 'Verified in this browser' })
  await proof.getByText('As far as it could be checked, it holds').waitFor()
  await proof.getByRole('button', { name: 'Compare the keys' }).click()
  await page.getByRole('button', { name: /^I have compared them/ }).click()
  await proof.getByText('The decision is in the log, signed, and unchanged').waitFor()
  expect(await proof.getByText('Failed', { exact: true }).count()).toBe(0)
  await picture(page, 'platform-decision')
  await show(page, 'decision')
  await expectAccessible(page)
})

test('what the auditor takes away is verified without the platform', async () => {
  const { page } = eve
  await open(page, '/audit', 'Audit')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: /Export the whole log/ }).click(),
  ])
  const dir = mkdtempSync(path.join(tmpdir(), 'export-'))
  try {
    const file = path.join(dir, 'slipway-audit.zip')
    await download.saveAs(file)
    const env = { PATH: process.env.PATH, HOME: dir, SLIPWAY_HOME: dir }
    const said = execFileSync(platform.slipway, ['audit', 'verify', file], { cwd: dir, env, encoding: 'utf8' })
    console.log(said)
    expect(said).toContain('verified: nothing is wrong')
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('how soon the first page is drawn is said', async () => {
  const { page } = ada
  const paints: number[] = []
  for (let i = 0; i < 5; i++) {
    await open(page, '/', 'Home')
    paints.push(
      await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN),
    )
  }
  console.log(`first contentful paint of Home, five times: ${paints.map((p) => `${Math.round(p)} ms`).join(', ')}`)
  expect(paints.every((p) => p > 0)).toBe(true)
})

test.each([
  ['/', 'Home'],
  ['/applications', 'Applications'],
  [`${application}/builds`, name],
  [`${application}/logs?environment=dev`, name],
  ['/promotions', 'Promotions'],
  ['/environments', 'Environments'],
  ['/catalog', 'Catalogue'],
  [`/catalog/component/default/${name}`, name],
  ['/create', 'Create'],
  ['/audit', 'Audit'],
  ['/audit/findings', 'Audit'],
  ['/platform', 'Platform'],
  ['/people', 'People'],
  ['/people/tokens', 'People'],
  ['/settings', 'Settings'],
  ['/device', 'Sign a command line in'],
])('%s is drawn from the real server, on a desk and on a phone', async (pathname, heading) => {
  const { page } = ada
  await turn(page, { scheme: 'light', width: 1280 })
  await open(page, pathname, heading)
  const named = `platform${pathname.replaceAll(/[/?=]/g, '-')}`
  for (const look of [
    { scheme: 'light', width: 1280 },
    { scheme: 'dark', width: 375 },
  ] as const) {
    await turn(page, look)
    await picture(page, `${named}-${look.scheme}-${look.width}`)
    await expectAccessible(page, `${look.scheme}, ${look.width} px`)
    expect(await overflow(page), `${look.width} px`).toEqual([])
  }
  if (pathname === '/platform') await show(page, 'platform', ['light', 'dark'])
  if (pathname.startsWith('/catalog/')) await show(page, 'entity')
  if (pathname === '/create') await show(page, 'create')
  await turn(page, { scheme: 'light', width: 1280 })
  expect(await page.getByText('Something went wrong').count()).toBe(0)
  expect(ada.complaints.splice(0)).toEqual([])
})

test('a token is made, shown once, works, and is revoked', async () => {
  const { page } = ada
  await open(page, '/settings', 'Settings')
  const token = `browser test ${Date.now()}`
  await page.getByRole('button', { name: 'New token' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: /What it is for/ }).fill(token)
  await dialog
    .locator('label', { has: page.getByRole('checkbox') })
    .first()
    .click()
  await dialog.getByRole('button', { name: 'Make it' }).click()
  const secret = (await page.locator('code.secret').textContent()) ?? ''
  const asTool = () => statusFor(secret, '/api/v1/me')
  expect(await asTool()).toBe(200)
  await open(page, '/settings', 'Settings')
  expect(await page.content()).not.toContain(secret)

  await page.getByRole('button', { name: `Revoke ${token}` }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
  await expect.poll(asTool, { timeout: 30_000 }).toBe(401)
})

/** How a request with a token, and without the browser's session, is answered. */
function statusFor(token: string, address: string): Promise<number> {
  return ada.page.evaluate(
    async ([address, token]) => {
      const answer = await fetch(address, { credentials: 'omit', headers: { Authorization: `Bearer ${token}` } })
      return answer.status
    },
    [address, token] as const,
  )
}

test('the search is opened by keyboard, and finds the application', async () => {
  const { page } = ada
  await open(page, '/', 'Home')
  await page.keyboard.press('Control+k')
  const dialog = page.getByRole('dialog')
  await dialog.waitFor()
  await page.keyboard.type(name)
  await dialog.getByRole('option').first().waitFor()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
})

test('a developer deletes the application, once its name was typed', async () => {
  const { page } = ada
  await open(page, `${application}/settings`, name)
  await page.locator('label', { hasText: 'Keep the repository' }).click()
  await page.getByRole('textbox', { name: `Type ${name} to confirm` }).fill(name)
  await page.getByRole('button', { name: 'Delete the application' }).click()
  await page.getByText(new RegExp(`${name} is (being )?deleted`)).waitFor()
  expect(ada.complaints.splice(0)).toEqual([])
})

test('after signing out, nothing is shown any more', async () => {
  const { page } = ada
  await open(page, '/', 'Home')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { level: 1, name: 'Slipway' }).waitFor()
  await open(page, '/settings', 'Slipway')
  expect(await page.getByRole('navigation').count()).toBe(0)
  expect([bob.complaints, eve.complaints]).toEqual([[], []])
})
