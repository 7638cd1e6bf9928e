import { useInfiniteQuery } from '@tanstack/react-query'
import { Container, SearchX } from 'lucide-react'
import { useState } from 'react'
import type { ApplicationSummary } from '~/api/_schema.gen'
import { mayAnywhere } from '~/api/access'
import { applications } from '~/api/queries'
import { useMe } from '~/app/me'
import { ButtonLink } from '~/components/Button'
import { Empty } from '~/components/Empty'
import { TextField } from '~/components/Field'
import { LoadPages } from '~/components/Load'
import { Page } from '~/components/Page'
import { paths } from '~/lib/paths'
import { onTheWay } from '~/lib/releases'
import { ApplicationCard } from './ApplicationCard'
import { useGoverned, useRecentPromotions } from './around'

/** The applications of one's teams. */
export function Applications() {
  const query = useInfiniteQuery(applications)
  const [text, setText] = useState('')
  const me = useMe()
  const create = mayAnywhere(me, 'developer') && (
    <ButtonLink emphasis="primary" to={paths.create}>
      Create an application
    </ButtonLink>
  )
  return (
    <Page title="Applications" lead="What your teams run, and where." actions={create}>
      <LoadPages
        query={query}
        what="the applications"
        lines={6}
        empty={<Empty icon={Container} title="Your teams have no applications yet" />}
      >
        {(items: ApplicationSummary[]) => (
          <>
            <div className="filters">
              <TextField label="Name or team" type="search" value={text} onChange={setText} />
            </div>
            <Cards items={items.filter((a) => matches(a, text))} />
          </>
        )}
      </LoadPages>
    </Page>
  )
}

function matches(a: ApplicationSummary, text: string): boolean {
  const wanted = text.trim().toLowerCase()
  return [a.name, a.title ?? '', a.team].some((field) => field.toLowerCase().includes(wanted))
}

function Cards({ items }: { items: ApplicationSummary[] }) {
  if (items.length === 0) return <Empty icon={SearchX} title="No application that is loaded is called so" />
  return <ApplicationCards items={items} level={2} />
}

/** Applications as cards, with what is on its way. */
export function ApplicationCards({ items, level }: { items: ApplicationSummary[]; level: 2 | 3 }) {
  const recent = useRecentPromotions()
  const governed = useGoverned()
  return (
    <ul className="stack">
      {items.map((a) => (
        <li key={`${a.team}/${a.name}`}>
          <ApplicationCard application={a} moving={onTheWay(recent, a)} governed={governed} level={level} />
        </li>
      ))}
    </ul>
  )
}
