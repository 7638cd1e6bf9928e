import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { operations } from './_schema.gen'
import { answer, api, setWriteToken } from './client'

/** What can be asked of the API, as options of TanStack Query. Keys begin with the area, so that areas are told to be stale. */

type Query<Operation extends keyof operations> = NonNullable<operations[Operation]['parameters']['query']>

interface List<T> {
  items: T[]
  next?: string
}

/** A list in pages; the first parameter is the key. */
function pages<T>(key: unknown[], page: (cursor?: string) => Promise<List<T>>) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam }) => page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
}

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: async () => {
    const body = await answer(() => api.GET('/api/v1/me'))
    setWriteToken(body.csrfToken ?? '')
    return body
  },
  staleTime: 60_000,
})

export const mySessions = queryOptions({
  queryKey: ['me', 'sessions'],
  queryFn: () => answer(() => api.GET('/api/v1/me/sessions')),
})

export const myTokens = pages(['me', 'tokens'], (cursor) =>
  answer(() => api.GET('/api/v1/me/tokens', { params: { query: { cursor } } })),
)

export const applications = pages(['applications'], (cursor) =>
  answer(() => api.GET('/api/v1/applications', { params: { query: { cursor, limit: 100 } } })),
)

export const application = (team: string, name: string) =>
  queryOptions({
    queryKey: ['applications', team, name],
    queryFn: () =>
      answer(() =>
        api.GET('/api/v1/teams/{team}/applications/{application}', { params: { path: { team, application: name } } }),
      ),
  })

export const environments = pages(['environments'], (cursor) =>
  answer(() => api.GET('/api/v1/environments', { params: { query: { cursor, limit: 100 } } })),
)

export type EntityFilter = Omit<Query<'list-entities'>, 'cursor'>

export const entities = (filter: EntityFilter) =>
  pages(['catalog', 'entities', filter], (cursor) =>
    answer(() => api.GET('/api/v1/catalog/entities', { params: { query: { ...filter, cursor } } })),
  )

export interface EntityName {
  kind: string
  namespace: string
  name: string
}

export const entity = (of: EntityName) =>
  queryOptions({
    queryKey: ['catalog', 'entity', of],
    queryFn: () =>
      answer(() => api.GET('/api/v1/catalog/entities/{kind}/{namespace}/{name}', { params: { path: of } })),
  })

export const graph = (of: EntityName, depth: number) =>
  queryOptions({
    queryKey: ['catalog', 'graph', of, depth],
    queryFn: () => answer(() => api.GET('/api/v1/catalog/graph', { params: { query: { ...of, depth } } })),
    placeholderData: keepPreviousData,
  })

export const search = (text: string) =>
  queryOptions({
    queryKey: ['catalog', 'search', text],
    queryFn: () => answer(() => api.GET('/api/v1/catalog/search', { params: { query: { q: text, limit: 10 } } })),
    enabled: text !== '',
    placeholderData: keepPreviousData,
  })

export const templates = pages(['templates'], (cursor) =>
  answer(() => api.GET('/api/v1/templates', { params: { query: { cursor, limit: 100 } } })),
)

export const template = (namespace: string, name: string) =>
  queryOptions({
    queryKey: ['templates', namespace, name],
    queryFn: () =>
      answer(() => api.GET('/api/v1/templates/{namespace}/{name}', { params: { path: { namespace, name } } })),
    // Somebody who fills in a form must not see it change below their hands.
    staleTime: Number.POSITIVE_INFINITY,
  })

export const run = (team: string, id: string) =>
  queryOptions({
    queryKey: ['runs', team, id],
    queryFn: () =>
      answer(() => api.GET('/api/v1/teams/{team}/template-runs/{run}', { params: { path: { team, run: id } } })),
  })

export const runs = (team: string) =>
  pages(['runs', team], (cursor) =>
    answer(() =>
      api.GET('/api/v1/teams/{team}/template-runs', { params: { path: { team }, query: { cursor, limit: 20 } } }),
    ),
  )

export type PromotionFilter = Omit<Query<'list-promotions'>, 'cursor'>

export const promotions = (filter: PromotionFilter) =>
  pages(['promotions', filter], (cursor) =>
    answer(() => api.GET('/api/v1/promotions', { params: { query: { ...filter, cursor } } })),
  )

export const promotion = (team: string, application: string, number: number) =>
  queryOptions({
    queryKey: ['promotions', team, application, number],
    queryFn: () =>
      answer(() =>
        api.GET('/api/v1/teams/{team}/applications/{application}/promotions/{number}', {
          params: { path: { team, application, number } },
        }),
      ),
  })

export type DecisionFilter = Omit<Query<'list-decisions'>, 'cursor'>

export const decisions = (filter: DecisionFilter) =>
  pages(['audit', 'decisions', filter], (cursor) =>
    answer(() => api.GET('/api/v1/audit/decisions', { params: { query: { ...filter, cursor } } })),
  )

export const decision = (index: number) =>
  queryOptions({
    queryKey: ['audit', 'decision', index],
    queryFn: () => answer(() => api.GET('/api/v1/audit/decisions/{index}', { params: { path: { index } } })),
  })

export const checkpoint = queryOptions({
  queryKey: ['audit', 'checkpoint'],
  queryFn: () => answer(() => api.GET('/api/v1/audit/checkpoint')),
})

export const findings = pages(['audit', 'findings'], (cursor) =>
  answer(() => api.GET('/api/v1/audit/findings', { params: { query: { cursor } } })),
)

export const capabilities = queryOptions({
  queryKey: ['platform', 'capabilities'],
  queryFn: () => answer(() => api.GET('/api/v1/platform/capabilities')),
})

export const health = queryOptions({
  queryKey: ['platform', 'health'],
  queryFn: () => answer(() => api.GET('/api/v1/platform/health')),
})

export const people = pages(['people'], (cursor) =>
  answer(() => api.GET('/api/v1/people', { params: { query: { cursor } } })),
)

export const person = (id: string) =>
  queryOptions({
    queryKey: ['people', id],
    queryFn: () => answer(() => api.GET('/api/v1/people/{person}', { params: { path: { person: id } } })),
  })

export const tokens = (person?: string) =>
  pages(['people', 'tokens', person], (cursor) =>
    answer(() => api.GET('/api/v1/tokens', { params: { query: { cursor, person } } })),
  )

export const deviceRequest = (code: string) =>
  queryOptions({
    queryKey: ['device', code],
    queryFn: () => answer(() => api.GET('/api/v1/device/requests/{code}', { params: { path: { code } } })),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
