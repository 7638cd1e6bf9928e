import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests of what needs no browser; they lie apart from the sources, which the program carries. */
export default defineConfig({
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: { environment: 'node', include: ['test/unit/**/*.test.ts'] },
})
