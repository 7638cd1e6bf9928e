import { ScrollText } from 'lucide-react'
import { useSearchParams } from 'react-router'
import { may } from '~/api/access'
import { useMe } from '~/app/me'
import { Empty } from '~/components/Empty'
import { SelectField } from '~/components/Field'
import { LogView } from '~/components/LogView'
import { Notice } from '~/components/Notice'
import { Section } from '~/components/Page'
import { useApplication } from './ApplicationPage'

/** What the application writes while it runs. */
export function RuntimeLogs() {
  const a = useApplication()
  const me = useMe()
  const [params, setParams] = useSearchParams()
  const names = a.deployments.map((d) => d.environment)
  const environment = params.get('environment') ?? names[0]
  if (!may(me, 'developer', a.team)) {
    return (
      <Notice title="Logs are for developers of the team">
        <p>
          They may hold what a program should not have written. Ask an administrator for the role developer in {a.team}.
        </p>
      </Notice>
    )
  }
  if (!environment) {
    return (
      <Empty icon={ScrollText} title="There are no logs yet">
        <p>The application runs nowhere. Its first build that succeeds brings it into its first environment.</p>
      </Empty>
    )
  }
  return (
    <Section title="Logs">
      <div className="filters">
        <SelectField
          label="Environment"
          value={environment}
          onChange={(value) => setParams({ environment: value }, { replace: true })}
          options={names.map((n) => ({ value: n, text: n }))}
        />
      </div>
      <LogView team={a.team} application={a.name} query={{ source: 'runtime', environment }} live />
    </Section>
  )
}
