import { useInfiniteQuery } from '@tanstack/react-query'
import { LayoutTemplate } from 'lucide-react'
import { Link } from 'react-router'
import type { TemplateSummary } from '~/api/_schema.gen'
import { templates } from '~/api/queries'
import { Empty } from '~/components/Empty'
import { LoadPages } from '~/components/Load'
import { Page } from '~/components/Page'
import { Tag } from '~/components/Status'
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

function Card({ template: t }: { template: TemplateSummary }) {
  const broken = t.errors[0]
  return (
    <article className={broken ? 'card' : 'card link'}>
      <h2>{broken ? t.title || t.name : <Link to={paths.template(t.namespace, t.name)}>{t.title || t.name}</Link>}</h2>
      {t.description && <p className="muted">{t.description}</p>}
      <ul className="row">
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
