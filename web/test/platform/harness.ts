import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { flags, settled, turn } from '../browser/harness'

function setting(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set; test/e2e runs these tests against a platform`)
  return value
}

export interface Account {
  user: string
  password: string
}

/** The console of a running platform, and people who may sign in at its Git server, the identity provider. */
export const platform = {
  url: setting('CONSOLE_URL'),
  ca: setting('CONSOLE_CA'),
  /** The team in which the first is a developer and the second an approver. */
  team: setting('CONSOLE_TEAM'),
  /** An auditor belongs to no team. */
  people: JSON.parse(setting('CONSOLE_PEOPLE')) as Record<'developer' | 'approver' | 'auditor', Account>,
  /** The program that verifies what is taken away. */
  slipway: setting('CONSOLE_SLIPWAY'),
}

/** Somebody at a browser of their own. */
export interface Session {
  context: BrowserContext
  page: Page
  /** What the browser complained about. */
  complaints: string[]
}

let home = ''
let browser: Promise<Browser> | undefined

/** A browser whose profile trusts the platform's CA; nothing else about certificates is weakened. */
function theBrowser(): Promise<Browser> {
  if (browser) return browser
  home = mkdtempSync(path.join(tmpdir(), 'console-'))
  const store = path.join(home, '.pki/nssdb')
  mkdirSync(store, { recursive: true })
  execFileSync('certutil', ['-d', `sql:${store}`, '-N', '--empty-password'])
  execFileSync('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'platform', '-i', platform.ca])
  browser = chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...flags, '--no-proxy-server'],
    env: { ...process.env, HOME: home },
  })
  return browser
}

/** Ends all sessions. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = undefined
  if (home) rmSync(home, { recursive: true, force: true })
}

/** Sits somebody down at a browser that knows nobody yet. */
export async function sitDown(): Promise<Session> {
  const context = await (await theBrowser()).newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
  context.setDefaultTimeout(120_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (m) => {
    // A browser says of each answer that is no success that it failed; the pages say so themselves. The pages of
    // other tools are theirs.
    const own = m.location().url.startsWith(platform.url)
    if (own && ['error', 'warning'].includes(m.type()) && !m.text().startsWith('Failed to load resource'))
      complaints.push(m.text())
  })
  page.on('pageerror', (e) => {
    if (page.url().startsWith(platform.url)) complaints.push(String(e))
  })
  return { context, page, complaints }
}

const shown = process.env.SHOW

/** Takes the documentation's pictures of a page, where SHOW names the folder that they go to (`make pictures`). */
export async function show(page: Page, name: string, looks: ('light' | 'dark' | 'phone')[] = ['light']): Promise<void> {
  if (!shown) return
  mkdirSync(shown, { recursive: true })
  for (const look of looks) {
    const screen = look === 'phone' ? { width: 375, height: 812 } : { width: 1280, height: 860 }
    await turn(page, { ...screen, scheme: look === 'light' ? 'light' : 'dark' })
    await page.evaluate(() => window.scrollTo(0, 0))
    await page.screenshot({ path: path.join(shown, look === 'light' ? `${name}.png` : `${name}-${look}.png`) })
  }
  await turn(page, { scheme: 'light', width: 1280 })
}

/** Signs in as a person does: at the identity provider, with its consent page where it shows one. */
export async function signIn(page: Page, who: Account): Promise<void> {
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.locator('input[name=user_name]').fill(who.user)
  await page.locator('input[name=password]').fill(who.password)
  await page.keyboard.press('Enter')
  const consent = page.locator('button[name=granted][value=true]')
  const inside = page.getByRole('navigation', { name: 'Pages' })
  await consent.or(inside).first().waitFor()
  if (await consent.isVisible()) await consent.click()
  await inside.waitFor()
}

/** Opens a page of the console, and waits until it is drawn. */
export async function open(page: Page, pathname: string, heading: string): Promise<void> {
  await page.goto(platform.url + pathname)
  await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
  await settled(page)
}

/**
 * Approves a pull request as people do: on the Git server's own page of its changes. Whoever has signed in at the
 * console is signed in there too, since it vouches for them.
 */
export async function approveInGit(page: Page): Promise<void> {
  await page.locator('#review-box button').click()
  await page.locator('button[name=type][value=approve]').click()
  // Away from the changes, to the talk about them.
  await page.waitForURL((url) => !url.pathname.endsWith('/files'))
}
