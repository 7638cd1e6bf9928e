import { Link, useParams } from 'react-router'
import type { Build } from '~/api/_schema.gen'
import { Digest } from '~/components/Copy'
import { Facts } from '~/components/Facts'
import { LogView } from '~/components/LogView'
import { Notice } from '~/components/Notice'
import { Section } from '~/components/Page'
import { Status } from '~/components/Status'
import { Steps } from '~/components/Steps'
import { Time, Took } from '~/components/Time'
import { paths } from '~/lib/paths'
import { sentence, short } from '~/lib/words'
import { useApplication } from './ApplicationPage'

/** A run of CI: its steps, why it failed, and its log, live. */
export function BuildPage() {
  const a = useApplication()
  const { build: id = '' } = useParams()
  const build = a.builds.find((b) => b.id === id)
  return (
    <>
      <p>
        <Link to={paths.builds(a.team, a.name)}>All builds</Link>
      </p>
      {build ? (
        <BuildFacts build={build} />
      ) : (
        <Notice title="This build is not among the last ones">
          <p>Only its log is shown, as far as it is still kept.</p>
        </Notice>
      )}
      <Section title="Log">
        <LogView team={a.team} application={a.name} query={{ source: 'build', build: id }} live={isRunning(build)} />
      </Section>
    </>
  )
}

function isRunning(build: Build | undefined): boolean {
  return build?.state === 'pending' || build?.state === 'running'
}

function BuildFacts({ build: b }: { build: Build }) {
  return (
    <>
      {b.state === 'failed' && (
        <Notice tone="bad" title="Why it failed">
          <p>{sentence(b.reason || 'no reason was given; the end of the log may show it')}</p>
        </Notice>
      )}
      <div className="columns">
        <div>
          <Section title="Steps">
            <Steps steps={b.steps ?? []} />
          </Section>
        </div>
        <div>
          <Section title="About this build">
            <Facts
              facts={[
                ['State', <Status key="state" state={b.state} />],
                ['Commit', <Digest key="commit" value={b.commit} what="commit" />],
                ['Title', b.title],
                ['Branch', b.branch],
                ['Started', b.started && <Time at={b.started} />],
                ['Took', b.started && <Took from={b.started} to={b.finished} />],
                ['Release', b.release && (b.release.version || short(b.release.digest))],
                ['Image', b.release && <Digest value={b.release.digest} what="image digest" />],
              ]}
            />
          </Section>
        </div>
      </div>
    </>
  )
}
