import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { flags } from '../browser/harness'

function setting(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set; test/e2e runs these tests against a platform`)
  return value
}

/** The console of a running platform, and somebody who may sign in at its Git server, the identity provider. */
export const platform = {
  url: setting('CONSOLE_URL'),
  user: setting('CONSOLE_USER'),
  password: setting('CONSOLE_PASSWORD'),
  ca: setting('CONSOLE_CA'),
  /** The one team in which they are a developer. */
  team: setting('CONSOLE_TEAM'),
}

export interface Session {
  browser: Browser
  page: Page
  /** What the browser complained about. */
  complaints: string[]
  close: () => Promise<void>
}

/** A browser whose profile trusts the platform's CA; nothing else about certificates is weakened. */
export async function openBrowser(): Promise<Session> {
  const home = mkdtempSync(path.join(tmpdir(), 'console-'))
  const store = path.join(home, '.pki/nssdb')
  mkdirSync(store, { recursive: true })
  execFileSync('certutil', ['-d', `sql:${store}`, '-N', '--empty-password'])
  execFileSync('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'platform', '-i', platform.ca])
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...flags, '--no-proxy-server'],
    env: { ...process.env, HOME: home },
  })
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const complaints: string[] = []
  page.on('console', (m) => {
    // A browser says of each answer that is no success that it failed; the pages say so themselves.
    if (['error', 'warning'].includes(m.type()) && !m.text().startsWith('Failed to load resource'))
      complaints.push(m.text())
  })
  page.on('pageerror', (e) => complaints.push(String(e)))
  const close = async () => {
    await browser.close()
    rmSync(home, { recursive: true, force: true })
  }
  return { browser, page, complaints, close }
}

/** Signs in as a person does: at the identity provider, with its consent page where it shows one. */
export async function signIn(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.locator('input[name=user_name]').fill(platform.user)
  await page.locator('input[name=password]').fill(platform.password)
  await page.keyboard.press('Enter')
  const consent = page.locator('button[name=granted][value=true]')
  const inside = page.getByRole('navigation', { name: 'Pages' })
  await consent.or(inside).first().waitFor()
  if (await consent.isVisible()) await consent.click()
  await inside.waitFor()
}
