import { useInfiniteQuery } from '@tanstack/react-query'
import { Users } from 'lucide-react'
import { Link } from 'react-router'
import type { PersonSummary } from '~/api/_schema.gen'
import { people } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { Grants } from '~/components/Grants'
import { LoadPages } from '~/components/Load'
import { Section } from '~/components/Page'
import { Tag } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'

/** Everybody who has signed in. */
export function People() {
  const query = useInfiniteQuery(people)
  return (
    <Section title="People">
      <LoadPages query={query} what="the people" empty={<Empty icon={Users} title="Nobody has signed in yet" />}>
        {(items: PersonSummary[]) => <Table label="People" columns={columns} rows={items} id={(p) => p.id} />}
      </LoadPages>
    </Section>
  )
}

const columns: Column<PersonSummary>[] = [
  {
    heading: 'Name',
    cell: (p) => (
      <>
        <Link to={paths.person(p.id)} className="strong">
          {p.name || p.username}
        </Link>{' '}
        {p.shut && <Tag tone="bad">shut out</Tag>}
        <p className="muted small">{p.username}</p>
      </>
    ),
  },
  { heading: 'E-mail', cell: (p) => p.email },
  { heading: 'Roles', wide: true, cell: (p) => <Grants grants={p.grants} /> },
  { heading: 'Seen', cell: (p) => <Time at={p.seen} /> },
]
