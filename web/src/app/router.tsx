import { createBrowserRouter, type RouteObject } from 'react-router'
import { Home } from '~/pages/home/Home'
import { Failed, NotFound } from './Failed'
import { Shell, Splash } from './Shell'

/** Every page; all but the first one are loaded when they are first opened. */
export const routes: RouteObject[] = [
  {
    element: <Shell />,
    hydrateFallbackElement: <Splash />,
    errorElement: <Failed />,
    children: [
      {
        errorElement: <Failed />,
        children: [
          { index: true, element: <Home /> },
          { path: 'catalog', lazy: async () => ({ Component: (await import('~/pages/catalog/Catalog')).Catalog }) },
          {
            path: 'catalog/:kind/:namespace/:name',
            lazy: async () => ({ Component: (await import('~/pages/catalog/EntityPage')).EntityPage }),
          },
          { path: 'create', lazy: async () => ({ Component: (await import('~/pages/create/Templates')).Templates }) },
          {
            path: 'create/:namespace/:name',
            lazy: async () => ({ Component: (await import('~/pages/create/Wizard')).WizardPage }),
          },
          {
            path: 'runs/:team/:run',
            lazy: async () => ({ Component: (await import('~/pages/create/RunPage')).RunPage }),
          },
          {
            path: 'applications',
            lazy: async () => ({ Component: (await import('~/pages/applications/Applications')).Applications }),
          },
          {
            path: 'applications/:team/:name',
            lazy: async () => ({ Component: (await import('~/pages/applications/ApplicationPage')).ApplicationPage }),
            children: [
              {
                index: true,
                lazy: async () => ({ Component: (await import('~/pages/applications/ApplicationPage')).Overview }),
              },
              {
                path: 'builds',
                lazy: async () => ({ Component: (await import('~/pages/applications/Builds')).Builds }),
              },
              {
                path: 'builds/:build',
                lazy: async () => ({ Component: (await import('~/pages/applications/BuildPage')).BuildPage }),
              },
              {
                path: 'logs',
                lazy: async () => ({ Component: (await import('~/pages/applications/RuntimeLogs')).RuntimeLogs }),
              },
              {
                path: 'promotions',
                lazy: async () => ({
                  Component: (await import('~/pages/applications/ApplicationPromotions')).ApplicationPromotions,
                }),
              },
              {
                path: 'settings',
                lazy: async () => ({ Component: (await import('~/pages/applications/Remove')).Remove }),
              },
            ],
          },
          {
            path: 'environments',
            lazy: async () => ({ Component: (await import('~/pages/environments/Environments')).Environments }),
          },
          {
            path: 'promotions',
            lazy: async () => ({ Component: (await import('~/pages/promotions/Promotions')).Promotions }),
          },
          {
            path: 'promotions/:team/:application/:number',
            lazy: async () => ({ Component: (await import('~/pages/promotions/PromotionPage')).PromotionPage }),
          },
          {
            path: 'audit',
            lazy: async () => ({ Component: (await import('~/pages/audit/AuditPage')).AuditPage }),
            children: [
              { index: true, lazy: async () => ({ Component: (await import('~/pages/audit/Decisions')).Decisions }) },
              {
                path: 'findings',
                lazy: async () => ({ Component: (await import('~/pages/audit/Findings')).Findings }),
              },
              {
                path: 'policy-test',
                lazy: async () => ({ Component: (await import('~/pages/audit/PolicyTest')).PolicyTest }),
              },
            ],
          },
          {
            path: 'audit/decisions/:index',
            lazy: async () => ({ Component: (await import('~/pages/audit/DecisionPage')).DecisionPage }),
          },
          { path: 'platform', lazy: async () => ({ Component: (await import('~/pages/platform/Platform')).Platform }) },
          {
            path: 'people',
            lazy: async () => ({ Component: (await import('~/pages/people/PeoplePage')).PeoplePage }),
            children: [
              { index: true, lazy: async () => ({ Component: (await import('~/pages/people/People')).People }) },
              { path: 'tokens', lazy: async () => ({ Component: (await import('~/pages/people/Tokens')).Tokens }) },
            ],
          },
          {
            path: 'people/:person',
            lazy: async () => ({ Component: (await import('~/pages/people/PersonPage')).PersonPage }),
          },
          { path: 'settings', lazy: async () => ({ Component: (await import('~/pages/settings/Settings')).Settings }) },
          { path: 'device', lazy: async () => ({ Component: (await import('~/pages/device/Device')).Device }) },
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
  },
]

export function newRouter() {
  return createBrowserRouter(routes)
}
