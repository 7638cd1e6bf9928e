import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components'
import { useParams } from 'react-router'
import type { Person } from '~/api/_schema.gen'
import { may } from '~/api/access'
import { answer, api } from '~/api/client'
import { person, tokens } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { Facts } from '~/components/Facts'
import { TextField } from '~/components/Field'
import { Grants } from '~/components/Grants'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { ProblemNotice } from '~/components/Problem'
import { Tag } from '~/components/Status'
import { Moment, Time } from '~/components/Time'
import { paths } from '~/lib/paths'
import { count } from '~/lib/words'
import { AllTokens } from './Tokens'

/** Somebody who has signed in: what they may do, and how to keep them out. */
export function PersonPage() {
  const { person: id = '' } = useParams()
  const query = useQuery(person(id))
  const p = query.data
  return (
    <Page
      title={p?.name || p?.username || 'Person'}
      aside={p?.shut && <Tag tone="bad">shut out</Tag>}
      crumbs={[{ to: paths.people, text: 'People' }]}
      lead={p?.email}
    >
      <Load query={query} what="the person">
        {(data) => <Details person={data} />}
      </Load>
    </Page>
  )
}

function Details({ person: p }: { person: Person }) {
  const theirs = useInfiniteQuery(tokens(p.id))
  return (
    <>
      {p.shut && (
        <Notice tone="warn" title={`Shut out by ${p.shut.by}`}>
          <p>
            <Moment at={p.shut.at} />: “{p.shut.reason}”
          </p>
        </Notice>
      )}
      <Section title="About">
        <Facts
          facts={[
            ['User name', p.username],
            ['Roles', <Grants key="roles" grants={p.grants} />],
            ['Groups', p.groups.join(', ') || 'none'],
            ['Vouched for by', <code key="issuer">{p.issuer}</code>],
            ['Known there as', <code key="subject">{p.subject}</code>],
            ['Seen', <Time key="seen" at={p.seen} />],
            ['Signed in', p.sessions === 0 ? 'nowhere' : `in ${count(p.sessions, 'browser')}`],
          ]}
        />
        <Actions person={p} />
      </Section>
      <Section title="Tokens and command lines">
        <AllTokens query={theirs} />
      </Section>
    </>
  )
}

function Actions({ person: p }: { person: Person }) {
  const me = useMe()
  const client = useQueryClient()
  const [shutting, setShutting] = useState(false)
  const [done, setDone] = useState('')
  const refresh = () => client.invalidateQueries({ queryKey: ['people'] })
  const end = useMutation({
    mutationFn: () =>
      answer(() => api.DELETE('/api/v1/people/{person}/credentials', { params: { path: { person: p.id } } })),
    onSuccess: async ({ sessions, tokens: revoked }) => {
      setDone(`${count(sessions, 'session')} and ${count(revoked, 'token')} ended.`)
      await refresh()
    },
  })
  const letIn = useMutation({
    mutationFn: () => setAccess(p.id, true),
    onSuccess: refresh,
  })
  if (!may(me, 'platform-admin')) return null
  const failed = end.error ?? letIn.error
  return (
    <div className="stack">
      {failed && <ProblemNotice doing="This was not done" error={failed} />}
      {done && <Notice tone="good" title={done} live />}
      <div className="row">
        <Button isPending={end.isPending} onPress={() => end.mutate()}>
          Sign out everywhere and revoke all tokens
        </Button>
        {p.shut ? (
          <Button isPending={letIn.isPending} onPress={() => letIn.mutate()}>
            Let in again
          </Button>
        ) : (
          p.id !== me.id && (
            <Button emphasis="danger" onPress={() => setShutting(true)}>
              Shut out
            </Button>
          )
        )}
      </div>
      {shutting && <ShutDialog person={p} onClose={() => setShutting(false)} onDone={refresh} />}
    </div>
  )
}

function setAccess(id: string, allowed: boolean, reason?: string): Promise<Person> {
  return answer(() =>
    api.PUT('/api/v1/people/{person}/access', { params: { path: { person: id } }, body: { allowed, reason } }),
  )
}

function ShutDialog({
  person: p,
  onClose,
  onDone,
}: {
  person: Person
  onClose: () => void
  onDone: () => Promise<void>
}) {
  const [reason, setReason] = useState('')
  const shut = useMutation({
    mutationFn: () => setAccess(p.id, false, reason),
    onSuccess: async () => {
      onClose()
      await onDone()
    },
  })
  return (
    <Dialog title={`Shut ${p.username} out`} isOpen onClose={onClose} role="alertdialog">
      <Form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          shut.mutate()
        }}
      >
        <p>
          They are signed out everywhere, their tokens are revoked, and they cannot come in again until somebody lets
          them.
        </p>
        <TextField label="Reason" rows={2} isRequired maxLength={500} value={reason} onChange={setReason} />
        {shut.isError && <ProblemNotice doing="This was not done" error={shut.error} />}
        <div className="dialog-actions">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" emphasis="danger" isPending={shut.isPending}>
            Shut out
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
