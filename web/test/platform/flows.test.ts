import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibility, overflow, picture, settled, turn } from '../browser/harness'
import { openBrowser, platform, type Session, signIn } from './harness'

/** What a person does in the console of a running platform, one step after the other in the same browser. */
let s: Session
beforeAll(async () => {
  s = await openBrowser()
})
afterAll(() => s?.close())

const at = async (path: string, heading: string) => {
  await s.page.goto(platform.url + path)
  await s.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
  await settled(s.page)
}

test('a stranger is shown nothing but the way in', async () => {
  await at('/catalog', 'Slipway')
  await picture(s.page, 'platform-sign-in')
  expect(await s.page.getByRole('navigation').count()).toBe(0)
  expect(await accessibility(s.page)).toEqual([])
})

test('signing in leads back to the page that was asked for', async () => {
  await signIn(s.page)
  expect(new URL(s.page.url()).pathname).toBe('/catalog')
  await s.page.getByRole('heading', { level: 1, name: 'Catalogue' }).waitFor()
})

test('the page comes with a policy that allows nothing inline', async () => {
  const answer = await s.page.goto(platform.url)
  expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self' 'nonce-/)
  expect(await answer?.text()).not.toContain('__CSP_NONCE__')
})

test.each([
  ['/', 'Home'],
  ['/applications', 'Applications'],
  ['/promotions', 'Promotions'],
  ['/environments', 'Environments'],
  ['/catalog', 'Catalogue'],
  ['/create', 'Create'],
  ['/audit', 'Audit'],
  ['/audit/findings', 'Audit'],
  ['/platform', 'Platform'],
  ['/people', 'People'],
  ['/people/tokens', 'People'],
  ['/settings', 'Settings'],
  ['/device', 'Sign a command line in'],
])('%s is drawn from the real server, on a desk and on a phone', async (path, heading) => {
  await turn(s.page, { scheme: 'light', width: 1280 })
  await at(path, heading)
  const name = `platform${path.replaceAll('/', '-')}`
  for (const look of [
    { scheme: 'light', width: 1280 },
    { scheme: 'dark', width: 375 },
  ] as const) {
    await turn(s.page, look)
    await picture(s.page, `${name}-${look.scheme}-${look.width}`)
    expect(await accessibility(s.page), `${look.scheme}, ${look.width} px`).toEqual([])
    expect(await overflow(s.page), `${look.width} px`).toEqual([])
  }
  expect(await s.page.getByText('Something went wrong').count()).toBe(0)
  expect(s.complaints.splice(0)).toEqual([])
})

test('a token is made, shown once, works, and is revoked', async () => {
  await turn(s.page, { scheme: 'light', width: 1280 })
  await at('/settings', 'Settings')
  const name = `browser test ${Date.now()}`
  await s.page.getByRole('button', { name: 'New token' }).click()
  const dialog = s.page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: /What it is for/ }).fill(name)
  await dialog
    .locator('label', { has: s.page.getByRole('checkbox') })
    .first()
    .click()
  await dialog.getByRole('button', { name: 'Make it' }).click()
  const secret = (await s.page.locator('code.secret').textContent()) ?? ''
  const asTool = () => statusFor(secret, '/api/v1/me')
  expect(await asTool()).toBe(200)
  await at('/settings', 'Settings')
  expect(await s.page.content()).not.toContain(secret)

  await s.page.getByRole('button', { name: `Revoke ${name}` }).click()
  await s.page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
  await expect.poll(asTool).toBe(401)
})

/** How a request with a token, and without the browser's session, is answered. */
function statusFor(token: string, path: string): Promise<number> {
  return s.page.evaluate(
    async ([path, token]) => {
      const answer = await fetch(path, { credentials: 'omit', headers: { Authorization: `Bearer ${token}` } })
      return answer.status
    },
    [path, token] as const,
  )
}

test('an application is made from a template: tried first, then made, shown, and deleted', {
  timeout: 180_000,
}, async () => {
  const name = `site-${Date.now().toString(36)}`
  const { page } = s
  await at('/create', 'Create')
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
  expect(await accessibility(page)).toEqual([])
  expect(
    await page.evaluate(
      (path) => fetch(path).then((r) => r.status),
      `/api/v1/teams/${platform.team}/applications/${name}`,
    ),
  ).toBe(404)

  await page.getByRole('button', { name: /^Create/ }).click()
  await page.getByText('Done', { exact: true }).waitFor({ timeout: 90_000 })
  await picture(page, 'platform-run')
  expect(await accessibility(page)).toEqual([])

  await at(`/applications/${platform.team}/${name}`, name)
  await page.getByRole('heading', { name: 'dev' }).waitFor()
  await picture(page, 'platform-application')
  await turn(page, { scheme: 'dark', width: 375 })
  await picture(page, 'platform-application-phone')
  expect(await overflow(page)).toEqual([])
  expect(await accessibility(page)).toEqual([])

  await turn(page, { scheme: 'light', width: 1280 })
  await at(`/applications/${platform.team}/${name}/settings`, name)
  await page.locator('label', { hasText: 'Keep the repository' }).click()
  await page.getByRole('textbox', { name: `Type ${name} to confirm` }).fill(name)
  await page.getByRole('button', { name: 'Delete the application' }).click()
  await page.getByText(new RegExp(`${name} is (being )?deleted`)).waitFor()
  expect(s.complaints.splice(0)).toEqual([])
})

test('the search is opened by keyboard, and finds its way out', async () => {
  await at('/', 'Home')
  await s.page.keyboard.press('Control+k')
  await s.page.getByRole('dialog').waitFor()
  expect(await accessibility(s.page)).toEqual([])
  await s.page.keyboard.press('Escape')
  await s.page.getByRole('dialog').waitFor({ state: 'detached' })
})

test('after signing out, nothing is shown any more', async () => {
  await at('/', 'Home')
  await s.page.getByRole('button', { name: 'Sign out' }).click()
  await s.page.getByRole('heading', { level: 1, name: 'Slipway' }).waitFor()
  await at('/settings', 'Slipway')
  expect(await s.page.getByRole('navigation').count()).toBe(0)
})
