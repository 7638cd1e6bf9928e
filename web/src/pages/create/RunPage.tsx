import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link, useParams } from 'react-router'
import type { Run, RunEvent } from '~/api/_schema.gen'
import { run as runQuery } from '~/api/queries'
import { watch } from '~/api/stream'
import { ButtonLink } from '~/components/Button'
import { External } from '~/components/External'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { ActorName } from '~/components/Person'
import { ProblemNotice } from '~/components/Problem'
import { Status } from '~/components/Status'
import { Steps } from '~/components/Steps'
import { Time, Took } from '~/components/Time'
import { paths } from '~/lib/paths'
import { sentence } from '~/lib/words'
import { advance, begin, outputs, type Progress } from './progress'

/** A run of a template, live. */
export function RunPage() {
  const { team = '', run: id = '' } = useParams()
  const query = useQuery(runQuery(team, id))
  const r = query.data
  return (
    <Page
      title={r?.application ? `Creating ${r.application}` : `Run of ${r?.template.name ?? 'a template'}`}
      crumbs={[{ to: paths.create, text: 'Create' }]}
      lead={
        r && (
          <>
            From the template {r.template.name}, for {r.team}, by <ActorName actor={r.by} /> <Time at={r.created} />
          </>
        )
      }
    >
      <Load query={query} what="the run" lines={6}>
        {(data) => <Live run={data} />}
      </Load>
    </Page>
  )
}

function Live({ run }: { run: Run }) {
  const { progress, error } = useProgress(run)
  // What the API says when the run is over counts more than what the events said on the way.
  const now = run.state === 'succeeded' || run.state === 'failed' ? run : progress.run
  return (
    <>
      <Outcome run={now} />
      {error !== undefined && <ProblemNotice doing="The run cannot be watched" error={error} />}
      <Section title="Steps" actions={<Took from={now.created} to={now.finished} />}>
        <Steps steps={now.steps} below={(step) => <StepLog lines={progress.log[step.id] ?? []} />} />
        <StepLog lines={progress.log[''] ?? []} />
      </Section>
    </>
  )
}

function StepLog({ lines }: { lines: string[] }) {
  if (lines.length === 0) return null
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1)
    <pre className="code wrap" tabIndex={0}>
      {lines.join('\n')}
    </pre>
  )
}

/** Follows a run's events. When there are no more, the run is asked for once more: for its output, or why it failed. */
function useProgress(run: Run): { progress: Progress; error: unknown } {
  const [progress, setProgress] = useState(() => begin(run))
  const [error, setError] = useState<unknown>()
  const client = useQueryClient()
  const { team, id } = run
  useEffect(() => {
    const abort = new AbortController()
    const item = (event: RunEvent) => setProgress((before) => advance(before, event))
    watch<RunEvent>(`/api/v1/teams/${team}/template-runs/${id}/events`, { signal: abort.signal, item })
      .catch(setError)
      .finally(() => {
        if (!abort.signal.aborted) void client.invalidateQueries({ queryKey: ['runs', team, id] })
      })
    return () => abort.abort()
  }, [client, team, id])
  return { progress, error }
}

function Outcome({ run: r }: { run: Run }) {
  if (r.state === 'failed') {
    return (
      <Notice tone="bad" title="It failed" live>
        <p>{sentence(r.error ?? 'no cause was given')}</p>
        {r.hint && <p>Next: {r.hint}</p>}
        {r.remains && r.remains.length > 0 ? (
          <>
            <p>This was made, and could not be undone:</p>
            <ul>
              {r.remains.map((thing) => (
                <li key={thing}>{thing}</li>
              ))}
            </ul>
          </>
        ) : (
          <p>Nothing of it remains.</p>
        )}
      </Notice>
    )
  }
  if (r.state !== 'succeeded') {
    return (
      <p className="row" role="status">
        <Status state={r.state} />
        <span className="muted">You can leave this page; it goes on.</span>
      </p>
    )
  }
  const { links, texts } = outputs(r.output)
  return (
    <Notice tone="good" title="Done" live>
      {texts.map((t) => (
        <div key={t.title + t.content}>
          {t.title && <p className="strong">{t.title}</p>}
          <p>{t.content}</p>
        </div>
      ))}
      <ul className="row">
        {r.application && (
          <li>
            <ButtonLink emphasis="primary" to={paths.application(r.team, r.application)}>
              Open {r.application}
            </ButtonLink>
          </li>
        )}
        {links.map((l) => (
          <li key={l.title + l.url + l.entityRef}>
            {l.entityRef ? (
              <Link to={paths.entity(l.entityRef)}>{l.title}</Link>
            ) : (
              <External href={l.url}>{l.title}</External>
            )}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
