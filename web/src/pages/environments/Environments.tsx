import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Layers } from 'lucide-react'
import { useState } from 'react'
import type { Environment } from '~/api/_schema.gen'
import { may, teamsOf } from '~/api/access'
import { answer, api } from '~/api/client'
import { environments } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { Empty } from '~/components/Empty'
import { External } from '~/components/External'
import { LoadPages } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { ActorName } from '~/components/Person'
import { ProblemNotice } from '~/components/Problem'
import { Status, Tag } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Time } from '~/components/Time'
import { sentence } from '~/lib/words'
import { NewEnvironmentDialog } from './NewEnvironmentDialog'

/** Where applications run: what is everyone's, and what teams made for themselves. */
export function Environments() {
  const query = useInfiniteQuery(environments)
  const me = useMe()
  const teams = teamsOf(me, 'developer')
  const [making, setMaking] = useState(false)
  const [removing, setRemoving] = useState<Environment>()
  const [removed, setRemoved] = useState('')
  return (
    <Page
      title="Environments"
      lead="Where applications run. Releases come into a governed environment by promotion only."
      actions={
        (teams.all || teams.names.length > 0) && (
          <Button emphasis="primary" onPress={() => setMaking(true)}>
            New environment
          </Button>
        )
      }
    >
      {removed && <Notice tone="good" title={removed} live />}
      <Section title="All environments">
        <LoadPages
          query={query}
          what="the environments"
          empty={<Empty icon={Layers} title="There are no environments yet" />}
        >
          {(items: Environment[]) => (
            <Table
              label="Environments"
              columns={[...columns, actions((e) => may(me, 'developer', e.team || undefined), setRemoving)]}
              rows={[...items].sort(inOrder)}
              id={(e) => `${e.team}/${e.name}`}
            />
          )}
        </LoadPages>
      </Section>
      {making && <NewEnvironmentDialog teams={teams} onClose={() => setMaking(false)} />}
      {removing && (
        <RemoveDialog
          environment={removing}
          onClose={() => setRemoving(undefined)}
          onDone={(text) => {
            setRemoving(undefined)
            setRemoved(text)
          }}
        />
      )}
    </Page>
  )
}

/** Those of the pipeline first, in its order. */
function inOrder(a: Environment, b: Environment): number {
  const place = (e: Environment) => (e.order < 0 ? Number.MAX_SAFE_INTEGER : e.order)
  return place(a) - place(b) || a.name.localeCompare(b.name)
}

const columns: Column<Environment>[] = [
  {
    heading: 'Environment',
    wide: true,
    cell: (e) => (
      <>
        <span className="strong">{e.name}</span> {e.governed && <Tag tone="busy">governed</Tag>}{' '}
        {e.preview && <External href={e.preview}>Preview of a pull request</External>}
        {e.description && <p className="muted small">{e.description}</p>}
        {e.reason && <p className="small field-error">{sentence(e.reason)}</p>}
      </>
    ),
  },
  { heading: 'State', cell: (e) => <Status state={e.state} /> },
  { heading: 'Team', cell: (e) => e.team || 'everyone' },
  {
    heading: 'Namespace',
    cell: (e) => (e.namespace ? <code>{e.namespace}</code> : <span className="muted">one each application</span>),
  },
  { heading: 'Made by', cell: (e) => e.by && <ActorName actor={e.by} /> },
  { heading: 'Ends', cell: (e) => e.expires && <Time at={e.expires} /> },
]

function actions(allowed: (e: Environment) => boolean, remove: (e: Environment) => void): Column<Environment> {
  return {
    heading: 'Actions',
    cell: (e) =>
      e.team &&
      allowed(e) && (
        <Button emphasis="quiet" onPress={() => remove(e)}>
          Delete<span className="hidden"> {e.name}</span>
        </Button>
      ),
  }
}

interface RemoveProps {
  environment: Environment
  onClose: () => void
  onDone: (text: string) => void
}

function RemoveDialog({ environment: e, onClose, onDone }: RemoveProps) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () =>
      answer(() =>
        api.DELETE('/api/v1/teams/{team}/environments/{environment}', {
          params: { path: { team: e.team ?? '', environment: e.name } },
        }),
      ),
    onSuccess: async ({ done, remains }) => {
      await client.invalidateQueries({ queryKey: ['environments'] })
      const rest = remains.length > 0 ? ` Still to go: ${remains.join(', ')}.` : ''
      onDone(`${e.name} is ${done ? 'deleted' : 'being deleted'}.${rest}`)
    },
  })
  return (
    <Dialog title={`Delete ${e.name}?`} isOpen onClose={onClose} role="alertdialog">
      <p>Everything that runs in it stops, and its data goes. This cannot be undone.</p>
      {remove.isError && <ProblemNotice doing="Could not delete the environment" error={remove.error} />}
      <div className="dialog-actions">
        <Button onPress={onClose}>Keep it</Button>
        <Button emphasis="danger" isPending={remove.isPending} onPress={() => remove.mutate()}>
          Delete it
        </Button>
      </div>
    </Dialog>
  )
}
