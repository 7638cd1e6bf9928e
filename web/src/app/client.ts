import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { asApiError } from '~/api/problem'
import { isLive } from './live'
import { noteSessionEnd } from './session'

/** How often shown data is asked for where the server does not tell of changes, in milliseconds. */
const poll = 15_000

/** The cache of what the API gave. What is shown is asked for anew when the window is looked at again. */
export function newQueryClient(): QueryClient {
  const noteEnd = (error: unknown) => {
    if (asApiError(error).status === 401) noteSessionEnd()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError: noteEnd }),
    mutationCache: new MutationCache({ onError: noteEnd }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && asApiError(error).transient,
        refetchInterval: (query) => (isLive() || query.state.status === 'error' ? false : poll),
      },
    },
  })
}
