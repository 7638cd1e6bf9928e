import { useQuery } from '@tanstack/react-query'
import type { Me } from '~/api/_schema.gen'
import { me } from '~/api/queries'

/** Who is signed in. The shell shows pages only to who is, so that there is always somebody. */
export function useMe(): Me {
  const { data } = useQuery(me)
  if (!data) throw new Error('a page is shown, and nobody is signed in')
  return data
}
