import { useInfiniteQuery } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { Link } from 'react-router'
import type { Finding } from '~/api/_schema.gen'
import { findings } from '~/api/queries'
import { Digest } from '~/components/Copy'
import { Empty } from '~/components/Empty'
import { LoadPages } from '~/components/Load'
import { Section } from '~/components/Page'
import { Tag } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { sentence } from '~/lib/words'

/** What runs, or was merged, and no decision led to it. */
export function Findings() {
  const query = useInfiniteQuery(findings)
  return (
    <Section title="Changes without a decision">
      <LoadPages
        query={query}
        what="the findings"
        empty={
          <Empty icon={ShieldCheck} title="Nothing was found">
            <p>All that runs in governed environments, and all that was merged for them, has a decision.</p>
          </Empty>
        }
      >
        {(items: Finding[]) => <Table label="Findings" columns={columns} rows={items} id={(f) => f.id} />}
      </LoadPages>
    </Section>
  )
}

const columns: Column<Finding>[] = [
  {
    heading: 'What',
    wide: true,
    cell: (f) => (
      <>
        <p className="row">
          <Tag tone="bad">{f.kind}</Tag> <Digest value={f.subject} what={f.kind} />
        </p>
        <p>{sentence(f.reason)}</p>
        {f.object && (
          <p className="muted small">
            Seen in <code>{f.object}</code>
          </p>
        )}
      </>
    ),
  },
  { heading: 'Environment', cell: (f) => f.environment },
  {
    heading: 'Application',
    cell: (f) =>
      f.application &&
      (f.team ? <Link to={paths.application(f.team, f.application)}>{f.application}</Link> : f.application),
  },
  { heading: 'Team', cell: (f) => f.team },
  { heading: 'Since', cell: (f) => <Time at={f.since} /> },
]
