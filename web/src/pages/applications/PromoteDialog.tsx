import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components'
import { useNavigate } from 'react-router'
import type { Application, Deployment } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { Facts } from '~/components/Facts'
import { SelectField, TextField } from '~/components/Field'
import { ProblemNotice } from '~/components/Problem'
import { paths } from '~/lib/paths'
import { releaseName } from '~/lib/releases'
import { short } from '~/lib/words'

interface Props {
  application: Application
  from: Deployment
  onClose: () => void
}

/** Asks for a promotion of what runs in an environment. */
export function PromoteDialog({ application: a, from, onClose }: Props) {
  const targets = a.deployments
    .filter((d) => d.environment !== from.environment && !d.preview)
    .map((d) => d.environment)
  const after = a.deployments[a.deployments.findIndex((d) => d.environment === from.environment) + 1]
  const [to, setTo] = useState(after?.environment ?? targets[0] ?? '')
  const [note, setNote] = useState('')
  const navigate = useNavigate()
  const client = useQueryClient()
  const open = useMutation({
    mutationFn: () =>
      answer(() =>
        api.POST('/api/v1/teams/{team}/applications/{application}/promotions', {
          params: { path: { team: a.team, application: a.name } },
          body: { from: from.environment, to, release: from.release?.digest, note: note || undefined },
        }),
      ),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['promotions'] })
      await navigate(paths.promotion(made.team, made.application, made.number))
    },
  })
  return (
    <Dialog title={`Promote ${a.title || a.name}`} isOpen onClose={onClose}>
      <Form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          open.mutate()
        }}
      >
        <p>
          This opens a pull request. The gates of {to} are evaluated there, somebody else approves, and Slipway merges.
        </p>
        <Facts
          facts={[
            ['Release', from.release && <code>{releaseName(from.release)}</code>],
            ['Image', from.release && <code>{short(from.release.digest)}</code>],
            ['From', from.environment],
          ]}
        />
        <SelectField label="To" value={to} onChange={setTo} options={targets.map((t) => ({ value: t, text: t }))} />
        <TextField label="Note for the reviewers" rows={3} value={note} onChange={setNote} maxLength={2000} />
        {open.isError && <ProblemNotice doing="Could not ask for the promotion" error={open.error} />}
        <div className="dialog-actions">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" emphasis="primary" isPending={open.isPending}>
            Ask for the promotion
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
