import { useInfiniteQuery } from '@tanstack/react-query'
import { CalendarClock, Globe, LayoutTemplate, type LucideIcon, Package, Server } from 'lucide-react'
import { Link } from 'react-router'
import type { TemplateSummary } from '~/api/_schema.gen'
import { templates } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { LoadPages } from '~/components/Load'
import { Page } from '~/components/Page'
import { Tag } from '~/components/Status'
import './wizard.css'
import { paths } from '~/lib/paths'
import { refName } from '~/lib/words'

/** The golden paths to choose from. */
export function Templates() {
  const query = useInfiniteQuery(templates)
  return (
    <Page title="Create" lead="Choose a template. It makes a repository with its build, and what is needed to run it.">
      <LoadPages
        query={query}
        what="the templates"
        lines={6}
        empty={
          <Empty icon={LayoutTemplate} title="There are no templates yet">
            <p>Templates are entities of the kind Template in the catalogue.</p>
          </Empty>
        }
      >
        {(items: TemplateSummary[]) => (
          <ul className="cards">
            {[...items].sort(recommendedFirst).map((t) => (
              <li key={`${t.namespace}/${t.name}`}>
                <Card template={t} />
              </li>
            ))}
          </ul>
        )}
      </LoadPages>
    </Page>
  )
}

function recommendedFirst(a: TemplateSummary, b: TemplateSummary): number {
  return Number(b.tags.includes('recommended')) - Number(a.tags.includes('recommended'))
}

const pictures: Record<string, LucideIcon> = {
  service: Server,
  website: Globe,
  job: CalendarClock,
  library: Package,
}

function Card({ template: t }: { template: TemplateSummary }) {
  const broken = t.errors[0]
  const Picture = pictures[t.type ?? ''] ?? LayoutTemplate
  return (
    <article className={broken ? 'card' : 'card link'}>
      <div className="template-head">
        <span className="picture">
          <Picture aria-hidden="true" size={20} strokeWidth={1.75} />
        </span>
        <h2>
          {broken ? t.title || t.name : <Link to={paths.template(t.namespace, t.name)}>{t.title || t.name}</Link>}
        </h2>
      </div>
      {t.description && <p className="muted">{t.description}</p>}
      <ul className="row tags">
        {t.type && (
          <li>
            <Tag tone="busy">{t.type}</Tag>
          </li>
        )}
        {t.tags.map((tag) => (
          <li key={tag}>
            <Tag tone={tag === 'recommended' ? 'good' : 'plain'}>{tag}</Tag>
          </li>
        ))}
      </ul>
      {t.owner && <p className="muted small">Kept by {refName(t.owner)}</p>}
      {broken && (
        <p className="field-error">
          It cannot be used: {broken.message}
          {broken.line ? ` (line ${broken.line})` : ''}
        </p>
      )}
    </article>
  )
}
