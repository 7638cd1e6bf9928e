import { Link, useParams } from 'react-router'
import type { Build } from '~/api/_schema.gen'
import { Digest } from '~/components/Copy'
import { LogView } from '~/components/LogView'
import { Notice } from '~/components/Notice'
import { Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { Steps } from '~/components/Steps'
import { Time, Took } from '~/components/Time'
import { paths } from '~/lib/paths'
import { sentence, short } from '~/lib/words'
import { useApplication } from './ApplicationPage'
import './builds.css'

/** A run of CI: its steps, why it failed, and its log, live. */
export function BuildPage() {
  const a = useApplication()
  const { build: id = '' } = useParams()
  const build = a.builds.find((b) => b.id === id)
  return (
    <>
      <p className="small">
        <Link to={paths.builds(a.team, a.name)}>← All builds</Link>
      </p>
      {build ? (
        <Head build={build} />
      ) : (
        <Notice title="This build is not among the last ones">
          <p>Only its log is shown, as far as it is still kept.</p>
        </Notice>
      )}
      <div className={build ? 'build-columns' : undefined}>
        {build && (
          <Section title="Steps">
            <Steps steps={build.steps ?? []} />
          </Section>
        )}
        <Section title="Log">
          <LogView team={a.team} application={a.name} query={{ source: 'build', build: id }} live={isRunning(build)} />
        </Section>
      </div>
    </>
  )
}

function isRunning(build: Build | undefined): boolean {
  return build?.state === 'pending' || build?.state === 'running'
}

function Head({ build: b }: { build: Build }) {
  return (
    <>
      <div className="stack tight">
        <div className="row build-state">
          <h2>{b.title || `Build of ${short(b.commit)}`}</h2>
          <Status state={b.state} />
        </div>
        <ul className="build-facts small muted">
          <li>
            Commit <Digest value={b.commit} what="commit" />
            {b.branch && ` on ${b.branch}`}
          </li>
          {b.started && (
            <li>
              Started <Time at={b.started} />, {b.finished ? 'took' : 'running for'}{' '}
              <Took from={b.started} to={b.finished} />
            </li>
          )}
          {b.release && (
            <li>
              Image <Digest value={b.release.digest} what="image digest" />
            </li>
          )}
        </ul>
      </div>
      {b.state === 'failed' && (
        <Notice tone="bad" title="Why it failed">
          <p>{sentence(b.reason || 'no reason was given; the end of the log may show it')}</p>
        </Notice>
      )}
    </>
  )
}
