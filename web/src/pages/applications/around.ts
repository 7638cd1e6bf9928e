import { useInfiniteQuery } from '@tanstack/react-query'
import type { PromotionSummary } from '~/api/_schema.gen'
import { environments, promotions } from '~/api/queries'

/** What stands around applications, and is asked for once for all of them. */

/** The newest promotions of one's teams. */
export function useRecentPromotions(): PromotionSummary[] {
  return useInfiniteQuery(promotions({ limit: 50 })).data?.pages.flatMap((p) => p.items) ?? []
}

/** The names of the environments that releases come into by promotion only. */
export function useGoverned(): Set<string> {
  const known = useInfiniteQuery(environments).data?.pages.flatMap((p) => p.items) ?? []
  return new Set(known.filter((e) => e.governed).map((e) => e.name))
}
