import { useInfiniteQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { Link } from 'react-router'
import type { Token } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { answer, api } from '~/api/client'
import { people, tokens } from '~/api/queries'
import { useMe } from '~/app/me'
import { Empty } from '~/components/Empty'
import { LoadPages } from '~/components/Load'
import { Section } from '~/components/Page'
import { RevokeButton } from '~/components/RevokeButton'
import { TokenTable } from '~/components/TokenTable'
import { paths } from '~/lib/paths'

/** Everybody's tokens. */
export function Tokens() {
  const query = useInfiniteQuery(tokens())
  return (
    <Section title="Tokens and command lines">
      <AllTokens query={query} />
    </Section>
  )
}

/** Tokens of others, which an administrator may revoke. */
export function AllTokens({ query }: { query: ReturnType<typeof useTokens> }) {
  const me = useMe()
  const known = useInfiniteQuery(people)
  const names = new Map(known.data?.pages.flatMap((p) => p.items).map((p) => [p.id, p.username]))
  return (
    <LoadPages query={query} what="the tokens" empty={<Empty icon={KeyRound} title="There are no tokens" />}>
      {(items: Token[]) => (
        <TokenTable
          tokens={items}
          owner={(t) => <Link to={paths.person(t.person)}>{names.get(t.person) ?? t.person}</Link>}
          actions={(t) =>
            may(me, 'platform-admin') && (
              <RevokeButton
                what={t.name}
                verb="Revoke"
                explanation="Whatever uses it can do nothing from now on. It cannot be taken back."
                stale={['people']}
                end={() => answer(() => api.DELETE('/api/v1/tokens/{token}', { params: { path: { token: t.id } } }))}
              />
            )
          }
        />
      )}
    </LoadPages>
  )
}

function useTokens() {
  return useInfiniteQuery(tokens())
}
