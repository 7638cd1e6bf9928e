import { Hammer } from 'lucide-react'
import { Link } from 'react-router'
import type { Application, Build } from '~/api/_schema.gen'
import { Empty } from '~/components/Empty'
import { Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { Time, Took } from '~/components/Time'
import { paths } from '~/lib/paths'
import { releaseName } from '~/lib/releases'
import { sentence, short } from '~/lib/words'
import { useApplication } from './ApplicationPage'
import './builds.css'

/** The runs of CI. */
export function Builds() {
  const a = useApplication()
  return (
    <Section title="Builds">
      <BuildList application={a} builds={a.builds} />
    </Section>
  )
}

/** Builds, the newest first. */
export function BuildList({ application: a, builds }: { application: Application; builds: Build[] }) {
  if (builds.length === 0) {
    return (
      <Empty icon={Hammer} title="Nothing was built yet">
        <p>Push a commit to its repository to start a build.</p>
      </Empty>
    )
  }
  return (
    <ol className="rows" aria-label="Builds">
      {builds.map((b) => (
        <li key={b.id} className="build">
          <Status state={b.state} />
          <div className="build-what">
            <Link to={paths.build(a.team, a.name, b.id)} className="strong">
              {b.title || short(b.commit)}
            </Link>
            <p className="muted small">
              <code>{short(b.commit).slice(0, 7)}</code>
              {b.branch && ` on ${b.branch}`}
              {b.release && (
                <>
                  {' · release '}
                  <code>{releaseName(b.release)}</code>
                </>
              )}
            </p>
            {b.state === 'failed' && b.reason && <p className="small field-error">{sentence(b.reason)}</p>}
          </div>
          <p className="build-when small muted">
            {b.started && <Time at={b.started} />}
            {b.started && <Took from={b.started} to={b.finished} />}
          </p>
        </li>
      ))}
    </ol>
  )
}
