import type { Plugin } from 'vite'

/** Answers the API from an invented platform while one works on the console. */
export function mock(): Plugin {
  return {
    name: 'slipway-mock',
    apply: 'serve',
    async configureServer(server) {
      const { newMock } = (await server.ssrLoadModule('/test/mock/mock.ts')) as typeof import('../test/mock/mock')
      const handler = newMock(process.env.SCENARIO)
      server.middlewares.use((request, response, next) => {
        if (/^\/(api|auth)\//.test(request.url ?? '')) handler(request, response)
        else next()
      })
    },
  }
}
