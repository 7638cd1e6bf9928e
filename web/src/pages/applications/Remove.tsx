import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components'
import { Link } from 'react-router'
import type { Deletion } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { Button } from '~/components/Button'
import { Checkbox, TextField } from '~/components/Field'
import { Notice } from '~/components/Notice'
import { Section } from '~/components/Page'
import { ProblemNotice } from '~/components/Problem'
import { paths } from '~/lib/paths'
import { useApplication } from './ApplicationPage'

/** Deletes the application, once its name was typed. */
export function Remove() {
  const a = useApplication()
  const [name, setName] = useState('')
  const [keep, setKeep] = useState(true)
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () =>
      answer(() =>
        api.DELETE('/api/v1/teams/{team}/applications/{application}', {
          params: { path: { team: a.team, application: a.name }, query: { keepRepository: keep } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ['applications'], exact: true }),
  })
  if (remove.data) return <Removed deletion={remove.data} name={a.name} />
  return (
    <Section title="Delete this application">
      <Form
        className="form"
        onSubmit={(e) => {
          e.preventDefault()
          if (name === a.name) remove.mutate()
        }}
      >
        <p>
          It stops in every environment, and its namespaces go. Decisions about it stay in the audit log. This cannot be
          undone.
        </p>
        <Checkbox isSelected={keep} onChange={setKeep}>
          Keep the repository
        </Checkbox>
        <TextField
          label={`Type ${a.name} to confirm`}
          isRequired
          value={name}
          onChange={setName}
          autoComplete="off"
          validate={(value) => (value === a.name ? undefined : `Type ${a.name}, exactly.`)}
        />
        {remove.isError && <ProblemNotice doing="Could not delete the application" error={remove.error} />}
        <div>
          <Button type="submit" emphasis="danger" isPending={remove.isPending}>
            Delete the application
          </Button>
        </div>
      </Form>
    </Section>
  )
}

function Removed({ deletion, name }: { deletion: Deletion; name: string }) {
  return (
    <Notice tone="good" title={deletion.done ? `${name} is deleted` : `${name} is being deleted`} live>
      {deletion.remains.length > 0 && (
        <>
          <p>Still to go, or kept:</p>
          <ul>
            {deletion.remains.map((r) => (
              <li key={r}>{r}</li>
            ))}
          </ul>
        </>
      )}
      <p>
        <Link to={paths.applications}>Go to the applications</Link>
      </p>
    </Notice>
  )
}
