import { type ReactNode, useEffect } from 'react'
import { Link } from 'react-router'

interface Crumb {
  to: string
  text: string
}

interface Props {
  title: string
  /** The pages above this one. */
  crumbs?: Crumb[]
  /** Stands beside the title: a state. */
  aside?: ReactNode
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}

/** A page's frame: where it is, its one heading, what can be done. */
export function Page({ title, crumbs, aside, lead, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Slipway`
  }, [title])
  return (
    <>
      <header className="page-header">
        <div className="page-heading">
          {crumbs && (
            <nav aria-label="Above this page" className="crumbs">
              <ol>
                {crumbs.map((c) => (
                  <li key={c.to}>
                    <Link to={c.to}>{c.text}</Link>
                  </li>
                ))}
              </ol>
            </nav>
          )}
          <div className="page-title">
            <h1 tabIndex={-1}>{title}</h1>
            {aside}
          </div>
          {lead && <div className="lead">{lead}</div>}
        </div>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </>
  )
}

interface SectionProps {
  title: string
  /** Beside the heading. */
  actions?: ReactNode
  children: ReactNode
  /** Draws no frame around it. */
  bare?: boolean
  id?: string
}

/** A part of a page under a heading of its own. */
export function Section({ title, actions, children, bare, id }: SectionProps) {
  const label = id ?? `section-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`
  return (
    <section aria-labelledby={label} className={bare ? 'section' : 'section panel'}>
      <div className="section-header">
        <h2 id={label}>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  )
}
