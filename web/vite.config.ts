import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { finish } from './scripts/finish.ts'
import { mock } from './scripts/mock.ts'

/** The console. `pnpm dev` serves it before an invented platform (test/mock); SLIPWAY_SERVER names a real one. */
export default defineConfig(({ mode }) => ({
  plugins: [react(), finish(), mode === 'development' && !process.env.SLIPWAY_SERVER && mock()],
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  // The server puts a nonce of its own in the place of this word each time it serves the page.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    // Nothing is inlined into pages or styles: the policy of pages forbids it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
  server: {
    proxy: process.env.SLIPWAY_SERVER
      ? { '/api': { target: process.env.SLIPWAY_SERVER }, '/auth': { target: process.env.SLIPWAY_SERVER } }
      : undefined,
  },
}))
