import { useInfiniteQuery } from '@tanstack/react-query'
import { GitPullRequestArrow } from 'lucide-react'
import { Link } from 'react-router'
import type { PromotionSummary } from '~/api/_schema.gen'
import { type PromotionFilter, promotions } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { LoadPages } from '~/components/Load'
import { ActorName } from '~/components/Person'
import { GateBar, WaitsFor } from '~/components/Progress'
import { Status, Tag } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { releaseName } from '~/lib/releases'
import { sentence } from '~/lib/words'

/** Promotions, the newest first. */
export function PromotionList({ filter }: { filter: PromotionFilter }) {
  const query = useInfiniteQuery(promotions(filter))
  return (
    <LoadPages
      query={query}
      what="the promotions"
      lines={6}
      empty={
        <Empty icon={GitPullRequestArrow} title="No promotions">
          <p>A promotion brings a release from one environment to the next. Ask for one on the application's page.</p>
        </Empty>
      }
    >
      {(items: PromotionSummary[]) => (
        <Table label="Promotions" columns={columns} rows={items} id={(p) => `${p.team}/${p.application}/${p.number}`} />
      )}
    </LoadPages>
  )
}

const columns: Column<PromotionSummary>[] = [
  {
    heading: 'Promotion',
    wide: true,
    cell: (p) => (
      <>
        <Link to={paths.promotion(p.team, p.application, p.number)} className="strong">
          #{p.number} {p.application}: {p.from} → {p.to}
        </Link>
        {p.progress ? (
          <>
            <GateBar progress={p.progress} />
            <WaitsFor promotion={p} />
          </>
        ) : (
          p.reason && <p className="muted small">{sentence(p.reason)}</p>
        )}
        {p.brokenGlass && <Tag tone="warn">{p.unreviewed ? 'broken glass, not reviewed' : 'broken glass'}</Tag>}
      </>
    ),
  },
  { heading: 'State', cell: (p) => <Status state={p.state} /> },
  { heading: 'Release', cell: (p) => <code>{releaseName(p.release)}</code> },
  { heading: 'Team', cell: (p) => p.team },
  { heading: 'Asked for by', cell: (p) => <ActorName actor={p.by} /> },
  { heading: 'Opened', cell: (p) => <Time at={p.opened} /> },
]
