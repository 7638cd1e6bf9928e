import { useQuery } from '@tanstack/react-query'
import { Rocket } from 'lucide-react'
import { Link, Outlet, useOutletContext, useParams } from 'react-router'
import type { Application } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { application } from '~/api/queries'
import { useMe } from '~/app/me'
import { Empty } from '~/components/Empty'
import { External } from '~/components/External'
import { Facts } from '~/components/Facts'
import { Load } from '~/components/Load'
import { Page, Section } from '~/components/Page'
import { ActorName } from '~/components/Person'
import { TabLinks } from '~/components/Tabs'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { hostOf, pathOf } from '~/lib/urls'
import { refName } from '~/lib/words'
import { BuildList } from './Builds'
import { Pipeline } from './Pipeline'

/** An application: its frame and tabs. The parts get the application from {@link useApplication}. */
export function ApplicationPage() {
  const { team = '', name = '' } = useParams()
  const query = useQuery(application(team, name))
  const me = useMe()
  const base = paths.application(team, name)
  const tabs = [
    { to: base, text: 'Overview', end: true },
    { to: paths.builds(team, name), text: 'Builds' },
    { to: paths.logs(team, name), text: 'Logs' },
    { to: `${base}/promotions`, text: 'Promotions' },
    ...(may(me, 'developer', team) ? [{ to: `${base}/settings`, text: 'Delete' }] : []),
  ]
  const a = query.data
  return (
    <Page
      title={a?.title || name}
      crumbs={[{ to: paths.applications, text: 'Applications' }]}
      lead={a?.description || `An application of the team ${team}`}
      actions={
        a?.repository && (
          <External href={a.repository} button="normal">
            Repository
          </External>
        )
      }
    >
      <TabLinks label="Parts of the application" tabs={tabs} />
      <Load query={query} what={`the application ${name}`} lines={6}>
        {(data) => <Outlet context={data} />}
      </Load>
    </Page>
  )
}

/** The application that the page is about. */
export function useApplication(): Application {
  return useOutletContext<Application>()
}

/** What runs where, the last builds, and the ways into the tools. */
export function Overview() {
  const a = useApplication()
  return (
    <>
      <Section title="Environments" bare>
        {a.deployments.length > 0 ? (
          <Pipeline application={a} />
        ) : (
          <Empty icon={Rocket} title="It runs nowhere yet">
            <p>The first build that succeeds brings it into its first environment. Push a commit to start one.</p>
          </Empty>
        )}
      </Section>
      <div className="columns">
        <div>
          <Section title="Last builds" actions={<Link to={paths.builds(a.team, a.name)}>All builds</Link>}>
            <BuildList application={a} builds={a.builds.slice(0, 5)} />
          </Section>
        </div>
        <div>
          <About application={a} />
        </div>
      </div>
    </>
  )
}

function About({ application: a }: { application: Application }) {
  return (
    <Section title="About">
      <Facts
        facts={[
          ['Team', a.team],
          ['In the catalogue', a.entity && <Link to={paths.entity(a.entity)}>{refName(a.entity)}</Link>],
          [
            'Made from',
            a.template && (
              <Link to={paths.entity(`template:${a.template.namespace}/${a.template.name}`)}>{a.template.name}</Link>
            ),
          ],
          ['Made by', a.by && <ActorName actor={a.by} />],
          ['Made', a.created && <Time at={a.created} />],
          ['Repository', a.repository && <External href={a.repository}>{pathOf(a.repository)}</External>],
          [
            'In the tools',
            a.links.length > 0 && (
              <ul className="stack tight">
                {a.links.map((l) => (
                  <li key={l.url}>
                    <External href={l.url}>{l.title || hostOf(l.url)}</External>
                  </li>
                ))}
              </ul>
            ),
          ],
        ]}
      />
    </Section>
  )
}
