import { useQuery } from '@tanstack/react-query'
import { me } from '~/api/queries'
import type { Me } from '~/api/schema.gen'

/** Who is signed in. The shell shows pages only to who is, so that there is always somebody. */
export function useMe(): Me {
  const { data } = useQuery(me)
  if (!data) throw new Error('a page is shown, and nobody is signed in')
  return data
}
