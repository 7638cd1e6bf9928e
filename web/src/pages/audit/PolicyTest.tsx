import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components'
import { Link } from 'react-router'
import type { PolicyChange, PolicyReport } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { Button } from '~/components/Button'
import { TextField } from '~/components/Field'
import { Gates } from '~/components/Gates'
import { Notice } from '~/components/Notice'
import { Section } from '~/components/Page'
import { ProblemNotice } from '~/components/Problem'
import { Status } from '~/components/Status'
import { Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { count } from '~/lib/words'

const day = (before: number) => new Date(Date.now() - before * 86_400_000).toISOString().slice(0, 10)

/** Asks what changed gates would have said to past promotions. */
export function PolicyTest() {
  const [gates, setGates] = useState('')
  const [from, setFrom] = useState(day(90))
  const [to, setTo] = useState(day(-1))
  const test = useMutation({
    mutationFn: () =>
      answer(() =>
        api.POST('/api/v1/policies/test', {
          body: { gates, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
        }),
      ),
  })
  return (
    <>
      <Section title="Test changed gates against past promotions">
        <Form
          className="form"
          onSubmit={(e) => {
            e.preventDefault()
            test.mutate()
          }}
        >
          <TextField
            label="Gates"
            help="The YAML of the gates, as it would be. Nothing is changed by the test."
            rows={12}
            mono
            isRequired
            maxLength={262_144}
            value={gates}
            onChange={setGates}
            spellCheck="false"
          />
          <div className="filters">
            <TextField label="From day" type="date" isRequired value={from} onChange={setFrom} />
            <TextField label="Before day" type="date" isRequired value={to} onChange={setTo} />
          </div>
          {test.isError && <ProblemNotice doing="The gates could not be tested" error={test.error} />}
          <div>
            <Button type="submit" emphasis="primary" isPending={test.isPending}>
              Replay
            </Button>
          </div>
        </Form>
      </Section>
      {test.data && <Report report={test.data} />}
    </>
  )
}

function Report({ report: r }: { report: PolicyReport }) {
  return (
    <Section title="What would differ">
      <Notice tone={r.changed.length === 0 ? 'good' : 'warn'} title={summary(r)} live />
      <Changes changes={r.changed} />
      {r.undecided.length > 0 && (
        <>
          <h3>Could not be replayed, for want of evidence</h3>
          <Changes changes={r.undecided} />
        </>
      )}
    </Section>
  )
}

function summary(r: PolicyReport): string {
  const replayed = `${count(r.replayed, 'promotion')} replayed`
  return r.changed.length === 0 ? `${replayed}, and none would differ` : `${replayed}; ${r.changed.length} would differ`
}

function Changes({ changes }: { changes: PolicyChange[] }) {
  return (
    <ul className="rows">
      {changes.map(({ decision: d, would, gates }) => (
        <li key={d.index} className="stack tight">
          <div className="row">
            <Link to={paths.decision(d.index)} className="strong">
              {d.application} → {d.environment}
            </Link>
            <Time at={d.at} />
            <span className="row">
              was <Status state={d.outcome} />
              {would && (
                <>
                  {' would be '}
                  <Status state={would} />
                </>
              )}
            </span>
          </div>
          {gates.length > 0 && <Gates gates={gates} />}
        </li>
      ))}
    </ul>
  )
}
