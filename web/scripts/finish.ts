import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin, Rollup } from 'vite'

/** What a first visit may take over the wire, in bytes. */
const budget = 400_000

/** Not the page itself: the server writes a nonce into it each time. */
const compressible = /\.(?:js|css|svg|json)$/

/**
 * Puts "file.br" and "file.gz" beside each text, which the server sends to who takes them, and adds up what the first
 * page needs: a build that is heavier than the budget fails.
 */
export function finish(): Plugin {
  let needed: string[] = []
  let dir = 'dist'
  return {
    name: 'slipway-finish',
    apply: 'build',
    configResolved(config) {
      dir = path.resolve(config.root, config.build.outDir)
    },
    generateBundle(_, bundle) {
      needed = firstView(bundle)
    },
    async closeBundle() {
      const weights = new Map<string, number>()
      for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue
        const file = path.join(entry.parentPath, entry.name)
        weights.set(
          path.relative(dir, file),
          compressible.test(entry.name) ? await pack(file) : (await readFile(file)).length,
        )
      }
      const first = ['index.html', 'theme.js', 'favicon.svg', ...needed, ...(await fonts(dir, needed))]
      const weight = first.reduce((sum, name) => sum + (weights.get(name) ?? 0), 0)
      const all = [...weights.values()].reduce((a, b) => a + b, 0)
      console.log(
        `first view: ${kilobytes(weight)} compressed, of ${kilobytes(budget)} allowed; everything: ${kilobytes(all)}`,
      )
      if (weight > budget) throw new Error('the first view is heavier than its budget')
    },
  }
}

const kilobytes = (n: number) => `${(n / 1000).toFixed(1)} kB`

/** The files that the first page loads: the entries, what they import, and their styles. */
function firstView(bundle: Rollup.OutputBundle): string[] {
  const found = new Set<string>()
  const take = (name: string) => {
    const file = bundle[name]
    if (found.has(name) || file?.type !== 'chunk') return
    found.add(name)
    for (const css of (file as Rollup.OutputChunk & { viteMetadata?: { importedCss: Set<string> } }).viteMetadata
      ?.importedCss ?? [])
      found.add(css)
    for (const imported of file.imports) take(imported)
  }
  for (const file of Object.values(bundle)) if (file.type === 'chunk' && file.isEntry) take(file.fileName)
  return [...found]
}

/** The fonts that styles name for plain text; those for other letters are loaded where such letters stand. */
async function fonts(dir: string, names: string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const name of names.filter((n) => n.endsWith('.css'))) {
    const css = await readFile(path.join(dir, name), 'utf8')
    for (const [rule] of css.matchAll(/@font-face\s*\{[^}]*\}/g)) {
      const url = /url\(["']?\/?([^"')]+)/.exec(rule)?.[1]
      if (url && /unicode-range:\s*U\+(?:\?\?|0+-0*FF)/i.test(rule)) found.add(url)
    }
  }
  return [...found]
}

/** Writes a file's compressed forms, and gives the size of the smaller one. */
async function pack(file: string): Promise<number> {
  const content = await readFile(file)
  const br = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } })
  const gz = gzipSync(content, { level: constants.Z_BEST_COMPRESSION })
  await writeFile(`${file}.br`, br)
  await writeFile(`${file}.gz`, gz)
  return Math.min(br.length, gz.length)
}
