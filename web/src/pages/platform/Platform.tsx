import { useQuery } from '@tanstack/react-query'
import { Server } from 'lucide-react'
import type { Capability, Health } from '~/api/_schema.gen'
import { capabilities, health } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { External } from '~/components/External'
import { Facts } from '~/components/Facts'
import { Load } from '~/components/Load'
import { Page, Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time } from '~/components/Time'
import { hostOf, safeUrl } from '~/lib/urls'
import { sentence } from '~/lib/words'

/** What the platform can do, by which tools, and how it is. */
export function Platform() {
  const all = useQuery(capabilities)
  const state = useQuery(health)
  return (
    <Page
      title="Platform"
      aside={state.data && <Status state={state.data.state} />}
      lead="What the platform can do, and the tool that does each."
    >
      <Section title="Health">
        <Load query={state} what="the platform’s health">
          {(h) => <Checks health={h} />}
        </Load>
      </Section>
      <Section title="Capabilities">
        <Load query={all} what="the capabilities" lines={8}>
          {({ items }) =>
            items.length > 0 ? (
              <Table label="Capabilities" columns={columns} rows={items} id={(c) => c.name} />
            ) : (
              <Empty icon={Server} title="The platform has no capabilities" />
            )
          }
        </Load>
      </Section>
    </Page>
  )
}

function Checks({ health: h }: { health: Health }) {
  const rank = (state: string) => (state === 'healthy' ? 1 : 0)
  const checks = [...h.checks].sort((a, b) => rank(a.state) - rank(b.state) || a.name.localeCompare(b.name))
  return (
    <>
      <ul className="rows">
        {checks.map((c) => (
          <li key={c.name} className="stack tight">
            <div className="row between">
              <span className="strong">{c.name}</span>
              <Status state={c.state} />
            </div>
            {c.reason && <p>{sentence(c.reason)}</p>}
            {c.hint && <p className="muted">Next: {c.hint}</p>}
          </li>
        ))}
      </ul>
      <p className="muted small">
        Looked at <Time at={h.at} />
      </p>
    </>
  )
}

const columns: Column<Capability>[] = [
  { heading: 'Capability', cell: (c) => <span className="strong">{c.name}</span> },
  { heading: 'Tool', cell: (c) => c.tool },
  { heading: 'Version', cell: (c) => c.version && <code>{c.version}</code> },
  {
    heading: 'State',
    cell: (c) => (
      <>
        <Status state={c.state} />
        {c.reason && <p className="small field-error">{sentence(c.reason)}</p>}
      </>
    ),
  },
  {
    heading: 'Open',
    wide: true,
    cell: (c) => (
      <div className="stack tight">
        <ul className="row">
          {c.links.map((l) => (
            <li key={l.url}>
              <External href={l.url}>{l.title || hostOf(l.url)}</External>
            </li>
          ))}
        </ul>
        {c.outputs && Object.keys(c.outputs).length > 0 && <Outputs outputs={c.outputs} name={c.name} />}
      </div>
    ),
  },
]

function Outputs({ outputs, name }: { outputs: Record<string, string>; name: string }) {
  return (
    <details>
      <summary>
        Outputs<span className="hidden"> of {name}</span>
      </summary>
      <Facts
        facts={Object.entries(outputs).map(([key, value]) => [
          key,
          safeUrl(value) && /^https?:/.test(value) ? (
            <External key={key} href={value}>
              {value}
            </External>
          ) : (
            <code key={key}>{value}</code>
          ),
        ])}
      />
    </details>
  )
}
