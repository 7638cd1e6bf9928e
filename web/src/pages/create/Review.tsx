import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import type { DryRun, DryRunFile, Template } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { Button } from '~/components/Button'
import { Facts } from '~/components/Facts'
import { Load } from '~/components/Load'
import { ProblemNotice } from '~/components/Problem'
import { Steps } from '~/components/Steps'
import type { FormPage } from '~/forms/schema'
import { paths } from '~/lib/paths'
import { count, size } from '~/lib/words'
import { allValues, orderOf, shown, type Values } from './wizard'

interface Props {
  template: Template
  team: string
  pages: FormPage[]
  values: Values[]
  back: () => void
}

/** What was filled in, what would be made of it, and the button that makes it. */
export function Review({ template: t, team, pages, values, back }: Props) {
  const all = allValues(values)
  const navigate = useNavigate()
  const client = useQueryClient()
  const make = useMutation({
    mutationFn: () => {
      const order = orderOf(t, pages, all)
      return 'application' in order
        ? answer(() =>
            api.POST('/api/v1/teams/{team}/applications', { params: { path: { team } }, body: order.application }),
          )
        : answer(() => api.POST('/api/v1/teams/{team}/template-runs', { params: { path: { team } }, body: order.run }))
    },
    onSuccess: async (run) => {
      client.setQueryData(['runs', run.team, run.id], run)
      await navigate(paths.run(run.team, run.id))
    },
  })
  return (
    <div className="stack">
      <Filled team={team} pages={pages} values={values} />
      <DryRunView template={t} values={all} />
      {make.isError && <ProblemNotice doing="Nothing was made" error={make.error} />}
      <div className="row">
        <Button onPress={back}>Back</Button>
        <Button emphasis="primary" isPending={make.isPending} onPress={() => make.mutate()}>
          Create
        </Button>
      </div>
    </div>
  )
}

function Filled({ team, pages, values }: { team: string; pages: FormPage[]; values: Values[] }) {
  const facts = pages.flatMap((page, i) =>
    Object.entries(values[i] ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, React.ReactNode] => {
        const property = page.schema.properties?.[name]
        const title = typeof property === 'object' ? property.title : undefined
        const hints = page.uiSchema[name] as Record<string, unknown> | undefined
        const secret = hints?.['ui:field'] === 'Secret' || hints?.['ui:widget'] === 'password'
        return [title ?? name, secret ? '••••••' : shown(value)]
      }),
  )
  return <Facts facts={[['Team', team], ...facts]} />
}

/** Runs the template without touching anything, and shows what came of it. */
function DryRunView({ template: t, values }: { template: Template; values: Values }) {
  const query = useQuery({
    queryKey: ['dry-run', t.namespace, t.name, values],
    queryFn: () =>
      answer(() =>
        api.POST('/api/v1/templates/{namespace}/{name}/dry-run', {
          params: { path: { namespace: t.namespace, name: t.name } },
          body: { values },
        }),
      ),
    retry: false,
    refetchInterval: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  return (
    <section aria-labelledby="dry-run" className="stack">
      <h3 id="dry-run">What this would make</h3>
      <Load query={query} what="what would be made" lines={4}>
        {(run) => <DryRunResult run={run} />}
      </Load>
    </section>
  )
}

function DryRunResult({ run }: { run: DryRun }) {
  return (
    <>
      <p className="muted">
        A trial, which touched nothing: {count(run.steps.length, 'step')}, {count(run.files.length, 'file')}.
      </p>
      <Steps steps={run.steps} />
      <ul className="file-list">
        {run.files.map((f) => (
          <li key={f.path}>
            <File file={f} />
          </li>
        ))}
      </ul>
      {run.log.length > 0 && (
        <details>
          <summary>Log of the trial</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
          <pre className="code wrap" tabIndex={0}>
            {run.log.join('\n')}
          </pre>
        </details>
      )}
    </>
  )
}

function File({ file: f }: { file: DryRunFile }) {
  if (f.binary) {
    return (
      <p>
        <code>{f.path}</code> <span className="muted small">binary, {size(f.size)}</span>
      </p>
    )
  }
  return (
    <details>
      <summary>
        <code>{f.path}</code>{' '}
        <span className="muted small">
          {size(f.size)}
          {f.executable && ', executable'}
        </span>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
      <pre className="code" tabIndex={0}>
        {f.content}
      </pre>
    </details>
  )
}
