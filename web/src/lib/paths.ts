import { parseRef } from './words'

/** The console's addresses, so that links to a thing are the same everywhere. */
export const paths = {
  home: '/',
  catalogue: '/catalog',
  entity: (ref: string) => {
    const { kind, namespace, name } = parseRef(ref)
    return `/catalog/${kind.toLowerCase()}/${namespace}/${name}`
  },
  create: '/create',
  template: (namespace: string, name: string) => `/create/${namespace}/${name}`,
  run: (team: string, id: string) => `/runs/${team}/${id}`,
  applications: '/applications',
  application: (team: string, name: string) => `/applications/${team}/${name}`,
  builds: (team: string, name: string) => `/applications/${team}/${name}/builds`,
  build: (team: string, name: string, id: string) => `/applications/${team}/${name}/builds/${id}`,
  logs: (team: string, name: string, environment = '') =>
    `/applications/${team}/${name}/logs${environment && `?environment=${environment}`}`,
  environments: '/environments',
  promotions: '/promotions',
  promotion: (team: string, application: string, number: number) => `/promotions/${team}/${application}/${number}`,
  audit: '/audit',
  decision: (index: number) => `/audit/decisions/${index}`,
  findings: '/audit/findings',
  policyTest: '/audit/policy-test',
  platform: '/platform',
  people: '/people',
  person: (id: string) => `/people/${id}`,
  tokens: '/people/tokens',
  settings: '/settings',
} as const
