import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, expect } from 'vitest'
import { type Mock, newMock, type Scenario } from '../mock/mock'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))
const output = fileURLToPath(new URL('../output', import.meta.url))

export const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

let browser: Promise<Browser> | undefined

function theBrowser(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: flags,
  })
  return browser
}

const closers: (() => Promise<void>)[] = []

afterAll(async () => {
  await (await browser)?.close()
  browser = undefined
})

/** The console before an invented platform, served as `slipway server` serves it. */
export interface Console {
  url: string
  mock: Mock
}

/** What a test has opened ends with it; the browser stays. */
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

export async function startConsole(scenario: Scenario = 'full'): Promise<Console> {
  const mock = newMock(scenario)
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://console')
    if (/^\/(api|auth)\//.test(pathname)) mock(request, response)
    else file(pathname, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, mock }
}

const types: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Serves a file of the build, or the page, with the policy of internal/server/webui. */
function file(pathname: string, response: ServerResponse): void {
  const ext = path.extname(pathname)
  const name = path.join(dist, path.normalize(pathname))
  if (ext && existsSync(name)) {
    const packed = existsSync(`${name}.br`)
    response.writeHead(200, {
      'Content-Type': types[ext] ?? 'application/octet-stream',
      ...(packed && { 'Content-Encoding': 'br' }),
    })
    response.end(readFileSync(packed ? `${name}.br` : name))
    return
  }
  if (ext) {
    response.writeHead(404).end()
    return
  }
  const nonce = randomBytes(32).toString('base64url')
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  })
  response.end(readFileSync(path.join(dist, 'index.html'), 'utf8').replaceAll('__CSP_NONCE__', nonce))
}

export interface Look {
  scheme?: 'light' | 'dark'
  width?: number
  height?: number
}

export interface Visit {
  page: Page
  /** What the browser complained about: errors, refusals by the policy, files that were not there. */
  complaints: string[]
}

/** Opens a page in a browser of its own. `expected` are complaints that belong to the test. */
export async function visit(url: string, { scheme = 'light', width = 1280, height = 900 }: Look = {}): Promise<Visit> {
  const context = await (await theBrowser()).newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') complaints.push(m.text())
  })
  page.on('pageerror', (e) => complaints.push(String(e)))
  closers.push(() => context.close())
  await page.goto(url)
  return { page, complaints }
}

/** Shows the page as another screen would. */
export async function turn(page: Page, { scheme = 'light', width = 1280, height = 900 }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await page.setViewportSize({ width, height })
  // The colours move, if only for a moment; what axe reads must be what stands.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((a) => a.finished)))
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
}

/** Waits until nothing is being loaded any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelector('h1') && !document.querySelector('.skeleton, [aria-busy="true"]'),
  )
}

/** What axe finds against WCAG 2.2 AA, in words. */
export async function accessibility(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  // What React Aria has had spoken stays hidden in its announcer for some seconds, and names elements that may be gone.
  const result = (await page.evaluate(
    "axe.run({ exclude: ['[data-live-announcer]'] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  )) as axe.AxeResults
  return result.violations.flatMap((v) =>
    v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary?.replaceAll('\n', ' ')}`),
  )
}

/**
 * Fails where axe finds something that stays: a page that is just being drawn anew, as live pages are, is looked at
 * again.
 */
export async function expectAccessible(page: Page, where = ''): Promise<void> {
  let found: string[] = []
  for (let i = 0; i < 4; i++) {
    found = await accessibility(page).catch((e: unknown) => [String(e)])
    if (found.length === 0) return
    await settled(page)
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
  }
  expect(found, where).toEqual([])
}

/** Keeps a picture for who wants to look, and set PICTURES. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.PICTURES) return
  mkdirSync(output, { recursive: true })
  await page.screenshot({ path: path.join(output, `${name}.png`), fullPage: true })
}

/** Whatever stands outside of the screen's width, where that is more than the screen shows. */
export async function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    return [...document.querySelectorAll('main *, header *')]
      .filter((e) => e.getBoundingClientRect().right > width + 1)
      .map((e) => `${e.tagName}.${e.getAttribute('class') ?? ''}: ${e.textContent?.slice(0, 40)}`)
  })
}

/** Fails where the console did not keep to the API's description, or the browser complained. */
export function expectNoComplaints({ complaints }: Visit, { mock }: Console): void {
  expect(complaints).toEqual([])
  expect(mock.faults).toEqual([])
}
