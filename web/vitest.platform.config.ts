import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests of the console of a running platform; test/e2e runs them. */
export default defineConfig({
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: {
    environment: 'node',
    include: ['test/platform/**/*.test.ts'],
    // A line for each step, as soon as it is done.
    reporters: ['verbose'],
    // Each step stands on the one before it.
    bail: 1,
    // Limits only end what hangs; the machine may be busy with a platform.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})
