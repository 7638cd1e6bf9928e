import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests of the built console (dist) in a real browser; see test/browser/harness.ts. */
export default defineConfig({
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: {
    environment: 'node',
    include: ['test/browser/**/*.test.ts'],
    // One browser after the other: they are hungry.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A browser that gets no processor in time is tried again; a page that is wrong is wrong each time.
    retry: 2,
  },
})
