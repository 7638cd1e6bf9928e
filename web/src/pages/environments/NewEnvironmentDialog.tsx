import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components'
import { answer, api } from '~/api/client'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { SelectField, TextField } from '~/components/Field'
import { ProblemNotice } from '~/components/Problem'
import { TeamField } from '~/components/TeamField'

const lifetimes = [
  { value: '8h', text: '8 hours' },
  { value: '48h', text: '2 days' },
  { value: '168h', text: '1 week' },
  { value: '720h', text: '30 days' },
  { value: '', text: 'Until it is deleted' },
]

interface Props {
  teams: { all: boolean; names: string[] }
  onClose: () => void
}

/** Makes an environment for a team. */
export function NewEnvironmentDialog({ teams, onClose }: Props) {
  const [team, setTeam] = useState(teams.names[0] ?? '')
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [lifetime, setLifetime] = useState('168h')
  const client = useQueryClient()
  const make = useMutation({
    mutationFn: () =>
      answer(() =>
        api.POST('/api/v1/teams/{team}/environments', {
          params: { path: { team } },
          body: { name, description: description || undefined, lifetime: lifetime || undefined },
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['environments'] })
      onClose()
    },
  })
  return (
    <Dialog title="New environment" isOpen onClose={onClose} firm>
      <Form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          make.mutate()
        }}
      >
        <p>A namespace of its own, with a quota, a network policy, and access for the team.</p>
        <TeamField teams={teams} value={team} onChange={setTeam} />
        <TextField
          label="Name"
          help="Lower-case letters, digits and hyphens."
          isRequired
          value={name}
          onChange={setName}
          pattern="[a-z0-9]([\-a-z0-9]*[a-z0-9])?"
          maxLength={63}
          autoComplete="off"
        />
        <TextField label="What it is for" value={description} onChange={setDescription} maxLength={500} />
        <SelectField label="It lives for" value={lifetime} onChange={setLifetime} options={lifetimes} />
        {make.isError && <ProblemNotice doing="Could not make the environment" error={make.error} />}
        <div className="dialog-actions">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" emphasis="primary" isPending={make.isPending}>
            Make it
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
