import { Hammer } from 'lucide-react'
import { Link } from 'react-router'
import type { Application, Build } from '~/api/_schema.gen'
import { Empty } from '~/components/Empty'
import { Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time, Took } from '~/components/Time'
import { paths } from '~/lib/paths'
import { sentence, short } from '~/lib/words'
import { useApplication } from './ApplicationPage'

/** The runs of CI. */
export function Builds() {
  const a = useApplication()
  return (
    <Section title="Builds">
      <BuildTable application={a} builds={a.builds} />
    </Section>
  )
}

/** Builds, the newest first. */
export function BuildTable({ application: a, builds }: { application: Application; builds: Build[] }) {
  if (builds.length === 0) {
    return (
      <Empty icon={Hammer} title="Nothing was built yet">
        <p>Push a commit to its repository to start a build.</p>
      </Empty>
    )
  }
  return <Table label="Builds" columns={columns(a)} rows={builds} id={(b) => b.id} />
}

const columns = (a: Application): Column<Build>[] => [
  {
    heading: 'Commit',
    wide: true,
    cell: (b) => (
      <>
        <Link to={paths.build(a.team, a.name, b.id)} className="strong">
          {b.title || short(b.commit)}
        </Link>
        <p className="muted small">
          <code>{short(b.commit)}</code>
          {b.branch && ` on ${b.branch}`}
        </p>
        {b.state === 'failed' && b.reason && <p className="small field-error">{sentence(b.reason)}</p>}
      </>
    ),
  },
  { heading: 'State', cell: (b) => <Status state={b.state} /> },
  { heading: 'Release', cell: (b) => b.release && <code>{b.release.version || short(b.release.digest)}</code> },
  { heading: 'Took', cell: (b) => b.started && <Took from={b.started} to={b.finished} /> },
  { heading: 'Started', cell: (b) => b.started && <Time at={b.started} /> },
]
