import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import type { Entity, Relation } from '~/api/_schema.gen'
import { type EntityName, entity } from '~/api/queries'
import { ButtonLink } from '~/components/Button'
import { External } from '~/components/External'
import { Facts } from '~/components/Facts'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { Tag } from '~/components/Status'
import { paths } from '~/lib/paths'
import { hostOf } from '~/lib/urls'
import { count, refName } from '~/lib/words'
import { KindTag } from './KindTag'
import { Relations } from './Relations'
import { relationName } from './relationWords'

/** An entity of the catalogue: what is known of it, what it relates to, what is wrong with it. */
export function EntityPage() {
  const { kind = '', namespace = '', name = '' } = useParams()
  const of: EntityName = { kind, namespace, name }
  const query = useQuery(entity(of))
  const e = query.data
  return (
    <Page
      key={`${kind}:${namespace}/${name}`}
      title={e?.metadata.title || name}
      aside={<KindTag kind={e?.kind ?? kind} />}
      crumbs={[{ to: paths.catalogue, text: 'Catalogue' }]}
      lead={e?.metadata.description}
      actions={
        e?.kind === 'Template' &&
        e.errors.length === 0 && (
          <ButtonLink emphasis="primary" to={paths.template(e.metadata.namespace, e.metadata.name)}>
            Use this template
          </ButtonLink>
        )
      }
    >
      <Load query={query} what={`the ${kind} ${name}`} lines={8}>
        {(data) => <Details entity={data} of={of} />}
      </Load>
    </Page>
  )
}

function Details({ entity: e, of }: { entity: Entity; of: EntityName }) {
  return (
    <>
      <Errors entity={e} />
      <Relations of={of} />
      <div className="columns">
        <div>
          <RelationList relations={e.relations} />
          <details className="panel">
            <summary>As it is described</summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
            <pre className="code" tabIndex={0}>
              {JSON.stringify({ metadata: e.metadata, spec: e.spec }, null, 2)}
            </pre>
          </details>
        </div>
        <div>
          <About entity={e} />
          <Links entity={e} />
        </div>
      </div>
    </>
  )
}

function Errors({ entity: e }: { entity: Entity }) {
  if (e.errors.length === 0) return null
  return (
    <Notice tone="warn" title={`${count(e.errors.length, 'thing')} wrong with its description`}>
      <ul>
        {e.errors.map((error) => (
          <li key={`${error.path} ${error.message}`}>
            {error.message}
            {error.path && (
              <>
                {' '}
                at <code>{error.path}</code>
              </>
            )}
            {error.line ? `, line ${error.line}` : ''}
          </li>
        ))}
      </ul>
      {e.source && (
        <p>
          Correct it in <External href={e.source.url}>{`${e.source.repository}/${e.source.path}`}</External>.
        </p>
      )}
    </Notice>
  )
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

function About({ entity: e }: { entity: Entity }) {
  const owner = e.relations.find((r) => r.type === 'ownedBy')
  const system = e.relations.find((r) => r.type === 'partOf')
  return (
    <Section title="About">
      <Facts
        facts={[
          ['Owner', owner && <Target relation={owner} />],
          ['Part of', system && <Target relation={system} />],
          ['Type', text(e.spec.type)],
          ['Lifecycle', text(e.spec.lifecycle)],
          ['Namespace', e.metadata.namespace],
          [
            'Tags',
            e.metadata.tags && e.metadata.tags.length > 0 && (
              <ul className="row">
                {e.metadata.tags.map((t) => (
                  <li key={t}>
                    <Tag>{t}</Tag>
                  </li>
                ))}
              </ul>
            ),
          ],
          [
            'Described in',
            e.source && <External href={e.source.url}>{`${e.source.repository}/${e.source.path}`}</External>,
          ],
        ]}
      />
    </Section>
  )
}

function Links({ entity: e }: { entity: Entity }) {
  const links = e.metadata.links ?? []
  if (links.length === 0) return null
  return (
    <Section title="Links">
      <ul className="stack tight">
        {links.map((l) => (
          <li key={l.url}>
            <External href={l.url}>{l.title || hostOf(l.url)}</External>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Target({ relation: r }: { relation: Relation }) {
  if (r.missing) {
    return (
      <>
        <code>{r.target}</code> <Tag tone="warn">not in the catalogue</Tag>
      </>
    )
  }
  return <Link to={paths.entity(r.target)}>{refName(r.target)}</Link>
}

function RelationList({ relations }: { relations: Relation[] }) {
  const types = [...new Set(relations.map((r) => r.type))].sort()
  return (
    <Section title="Its relations">
      {relations.length === 0 && <p className="muted">It relates to nothing.</p>}
      <Facts
        facts={types.map((type) => [
          relationName(type),
          <ul key={type} className="stack tight">
            {relations
              .filter((r) => r.type === type)
              .map((r) => (
                <li key={r.target}>
                  <Target relation={r} /> <span className="muted small">{r.target.split(':')[0]}</span>
                </li>
              ))}
          </ul>,
        ])}
      />
    </Section>
  )
}
