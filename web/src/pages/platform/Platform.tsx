import { useQuery } from '@tanstack/react-query'
import { Server } from 'lucide-react'
import type { Capability, Health, HealthCheck } from '~/api/_schema.gen'
import { capabilities, health } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { External } from '~/components/External'
import { Facts } from '~/components/Facts'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { Status, StatusIcon } from '~/components/Status'
import { Time } from '~/components/Time'
import { hostOf, safeUrl } from '~/lib/urls'
import { sentence } from '~/lib/words'
import { capabilityIcon } from './icons'
import './platform.css'

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
      <Load query={state} what="the platform’s health">
        {(h) => <Checks health={h} />}
      </Load>
      <Section title="Capabilities" bare>
        <Load query={all} what="the capabilities" lines={8}>
          {({ items }) =>
            items.length > 0 ? (
              <ul className="cards">
                {items.map((c) => (
                  <li key={c.name}>
                    <CapabilityCard capability={c} />
                  </li>
                ))}
              </ul>
            ) : (
              <Empty icon={Server} title="The platform has no capabilities" />
            )
          }
        </Load>
      </Section>
    </Page>
  )
}

/** What is not well, with its cause and next step; what is well, in short. */
function Checks({ health: h }: { health: Health }) {
  const bad = h.checks.filter((c) => c.state !== 'healthy')
  const good = h.checks.filter((c) => c.state === 'healthy').sort((a, b) => a.name.localeCompare(b.name))
  return (
    <Section
      title="Health"
      actions={
        <span className="muted small">
          Looked at <Time at={h.at} />
        </span>
      }
    >
      {bad.map((c) => (
        <Trouble key={c.name} check={c} />
      ))}
      {good.length > 0 && (
        <ul className="checks">
          {good.map((c) => (
            <li key={c.name}>
              <StatusIcon state={c.state} />
              {c.name}
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

function Trouble({ check: c }: { check: HealthCheck }) {
  return (
    <Notice tone={c.state === 'degraded' ? 'bad' : c.state === 'progressing' ? 'info' : 'warn'}>
      <p className="row between">
        <span className="strong">{c.name}</span>
        <Status state={c.state} />
      </p>
      {c.reason && <p>{sentence(c.reason)}</p>}
      {c.hint && <p>Next: {c.hint}</p>}
    </Notice>
  )
}

function CapabilityCard({ capability: c }: { capability: Capability }) {
  const Icon = capabilityIcon(c.name)
  return (
    <article className="card capability">
      <div className="row between">
        <div className="capability-name">
          <span className="picture">
            <Icon aria-hidden="true" size={18} strokeWidth={1.75} />
          </span>
          <h3>{/^(ci|dns)$/.test(c.name) ? c.name.toUpperCase() : sentence(c.name)}</h3>
        </div>
        <Status state={c.state} />
      </div>
      <p>
        <span className="strong">{c.tool}</span> {c.version && <code className="muted">{c.version}</code>}
      </p>
      {c.reason && <p className="small field-error">{sentence(c.reason)}</p>}
      {c.description && <p className="muted small">{c.description}</p>}
      {c.links.length > 0 && (
        <ul className="row small capability-links">
          {c.links.map((l) => (
            <li key={l.url}>
              <External href={l.url}>{l.title || hostOf(l.url)}</External>
            </li>
          ))}
        </ul>
      )}
      {c.outputs && Object.keys(c.outputs).length > 0 && <Outputs outputs={c.outputs} name={c.name} />}
    </article>
  )
}

function Outputs({ outputs, name }: { outputs: Record<string, string>; name: string }) {
  return (
    <details className="small">
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
