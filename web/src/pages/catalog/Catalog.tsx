import { useInfiniteQuery } from '@tanstack/react-query'
import { Boxes, TriangleAlert } from 'lucide-react'
import { Link } from 'react-router'
import type { EntitySummary } from '~/api/_schema.gen'
import { type EntityFilter, entities } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { SelectField } from '~/components/Field'
import { FilterText } from '~/components/FilterText'
import { LoadPages } from '~/components/Load'
import { Page, Section } from '~/components/Page'
import { Tag } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { useFilters } from '~/lib/filters'
import { paths } from '~/lib/paths'
import { count, refName } from '~/lib/words'
import { KindTag } from './KindTag'

const kinds = ['Component', 'API', 'Resource', 'System', 'Domain', 'Group', 'User', 'Template', 'Location']
const lifecycles = ['experimental', 'production', 'deprecated']

/** The software catalogue. */
export function Catalog() {
  const [filters, set] = useFilters('q', 'kind', 'type', 'owner', 'lifecycle', 'tag')
  const choice = (all: string, values: string[]) => [
    { value: '', text: all },
    ...values.map((v) => ({ value: v, text: v })),
  ]
  return (
    <Page
      title="Catalogue"
      lead="All software: components, the APIs between them, what they run on, and who answers for them."
    >
      <Section title="Entities" bare>
        <search className="filters">
          <FilterText
            label="Text"
            value={filters.q ?? ''}
            onChange={(v) => set('q', v)}
            placeholder="Name or description"
          />
          <SelectField
            label="Kind"
            value={filters.kind ?? ''}
            onChange={(v) => set('kind', v)}
            options={choice('All kinds', kinds)}
          />
          <FilterText
            label="Owner"
            value={filters.owner ?? ''}
            onChange={(v) => set('owner', v)}
            placeholder="group:default/payments"
          />
          <FilterText label="Type" value={filters.type ?? ''} onChange={(v) => set('type', v)} placeholder="service" />
          <SelectField
            label="Lifecycle"
            value={filters.lifecycle ?? ''}
            onChange={(v) => set('lifecycle', v)}
            options={choice('Any', lifecycles)}
          />
          <FilterText label="Tag" value={filters.tag ?? ''} onChange={(v) => set('tag', v)} />
        </search>
        <div className="panel">
          <Entities filter={filters} />
        </div>
      </Section>
    </Page>
  )
}

function Entities({ filter }: { filter: EntityFilter }) {
  const query = useInfiniteQuery(entities(filter))
  const filtered = Object.keys(filter).length > 0
  return (
    <LoadPages
      query={query}
      what="the catalogue"
      lines={8}
      empty={
        <Empty icon={Boxes} title={filtered ? 'Nothing in the catalogue is like that' : 'The catalogue is empty'}>
          {!filtered && (
            <p>What a template makes is entered by itself; other repositories by their catalog-info.yaml.</p>
          )}
        </Empty>
      }
    >
      {(items: EntitySummary[]) => <Table label="Entities" columns={columns} rows={items} id={(e) => e.ref} />}
    </LoadPages>
  )
}

const columns: Column<EntitySummary>[] = [
  {
    heading: 'Name',
    wide: true,
    cell: (e) => (
      <>
        <Link to={paths.entity(e.ref)} className="strong">
          {e.title || e.name}
        </Link>
        {e.description && <p className="muted small">{e.description}</p>}
        {e.errors > 0 && (
          <p className="field-error row">
            <TriangleAlert aria-hidden="true" size={14} />
            {count(e.errors, 'thing')} wrong with it
          </p>
        )}
      </>
    ),
  },
  { heading: 'Kind', cell: (e) => <KindTag kind={e.kind} /> },
  { heading: 'Type', optional: true, cell: (e) => e.type },
  { heading: 'Owner', cell: (e) => e.owner && <Link to={paths.entity(e.owner)}>{refName(e.owner)}</Link> },
  { heading: 'Lifecycle', optional: true, cell: (e) => e.lifecycle },
  {
    heading: 'Tags',
    optional: true,
    cell: (e) => (
      <ul className="row">
        {e.tags.map((t) => (
          <li key={t}>
            <Tag>{t}</Tag>
          </li>
        ))}
      </ul>
    ),
  },
]
