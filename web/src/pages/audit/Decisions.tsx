import { useInfiniteQuery } from '@tanstack/react-query'
import { FileCheck2 } from 'lucide-react'
import { Link } from 'react-router'
import type { DecisionSummary } from '~/api/_schema.gen'
import { type DecisionFilter, decisions } from '~/api/queries'
import { Digest } from '~/components/Copy'
import { Empty } from '~/components/Empty'
import { SelectField, TextField } from '~/components/Field'
import { FilterText } from '~/components/FilterText'
import { LoadPages } from '~/components/Load'
import { Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time } from '~/components/Time'
import { useFilters } from '~/lib/filters'
import { paths } from '~/lib/paths'
import { sentence } from '~/lib/words'
import { ExportSection } from './ExportSection'
import { HeadSection } from './HeadSection'

const outcomes = ['allowed', 'refused', 'broken glass', 'reviewed', 'rolled back', 'withdrawn'] as const

/** The decisions, the newest first. */
export function Decisions() {
  const [filters, set] = useFilters('application', 'environment', 'outcome', 'subject', 'from', 'to')
  const { outcome, from, to, ...rest } = filters
  const filter: DecisionFilter = {
    ...rest,
    ...(outcome && { outcome: outcome as (typeof outcomes)[number] }),
    ...(from && { from: startOf(from) }),
    ...(to && { to: startOf(to, 1) }),
  }
  return (
    <>
      <Section title="Decisions" bare>
        <div className="filters">
          <FilterText label="Application" value={filters.application ?? ''} onChange={(v) => set('application', v)} />
          <FilterText label="Environment" value={filters.environment ?? ''} onChange={(v) => set('environment', v)} />
          <SelectField
            label="Outcome"
            value={outcome ?? ''}
            onChange={(v) => set('outcome', v)}
            options={[{ value: '', text: 'Any' }, ...outcomes.map((o) => ({ value: o, text: sentence(o) }))]}
          />
          <FilterText
            label="Image digest"
            value={filters.subject ?? ''}
            onChange={(v) => set('subject', v)}
            placeholder="sha256:…"
          />
          <TextField label="From day" type="date" value={from ?? ''} onChange={(v) => set('from', v)} />
          <TextField label="To day" type="date" value={to ?? ''} onChange={(v) => set('to', v)} />
        </div>
        <div className="panel">
          <DecisionTable filter={filter} />
        </div>
      </Section>
      <div className="columns">
        <div>
          <HeadSection />
        </div>
        <div>
          <ExportSection from={filter.from} to={filter.to} />
        </div>
      </div>
    </>
  )
}

/** The first moment of a day in the reader's zone, or of one that many days later. */
function startOf(day: string, later = 0): string {
  const at = new Date(`${day}T00:00:00`)
  at.setDate(at.getDate() + later)
  return at.toISOString()
}

function DecisionTable({ filter }: { filter: DecisionFilter }) {
  const query = useInfiniteQuery(decisions(filter))
  return (
    <LoadPages
      query={query}
      what="the decisions"
      lines={8}
      empty={
        <Empty icon={FileCheck2} title="No decisions">
          <p>Each promotion that is allowed or refused leaves one here.</p>
        </Empty>
      }
    >
      {(items: DecisionSummary[]) => (
        <Table label="Decisions" columns={decisionColumns} rows={items} id={(d) => d.index} />
      )}
    </LoadPages>
  )
}

/** What a decision is about: a release on its way, or a file by which promotions are decided. */
export const about = (d: DecisionSummary): string => d.path ?? `${d.application} → ${d.environment}`

export const decisionColumns: Column<DecisionSummary>[] = [
  {
    heading: 'Decision',
    cell: (d) => (
      <>
        <Link to={paths.decision(d.index)} className="strong">
          {about(d)}
        </Link>
        <p className="muted small">Entry {d.index}</p>
      </>
    ),
  },
  { heading: 'Outcome', cell: (d) => <Status state={d.outcome} /> },
  { heading: 'Team', cell: (d) => d.team },
  { heading: 'Digest', cell: (d) => <Digest value={d.subject} what={d.path ? 'file digest' : 'image digest'} /> },
  {
    heading: 'Promotion',
    cell: (d) =>
      d.promotion && !d.path && <Link to={paths.promotion(d.team, d.application, d.promotion)}>#{d.promotion}</Link>,
  },
  { heading: 'Who', cell: (d) => d.actors.join(', ') },
  { heading: 'When', cell: (d) => <Time at={d.at} /> },
]
