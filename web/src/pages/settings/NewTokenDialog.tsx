import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { CheckboxGroup, Form, Label } from 'react-aria-components'
import type { CreatedToken } from '~/api/_schema.gen'
import { describeGrant } from '~/api/access'
import { answer, api } from '~/api/client'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { Checkbox, SelectField, TextField } from '~/components/Field'
import { ProblemNotice } from '~/components/Problem'

const lifetimes = [
  { value: '7', text: '1 week' },
  { value: '30', text: '30 days' },
  { value: '90', text: '90 days' },
  { value: '365', text: '1 year' },
]

interface Props {
  onClose: () => void
  onMade: (token: CreatedToken) => void
}

/** Makes an API token with some of one's own roles. */
export function NewTokenDialog({ onClose, onMade }: Props) {
  const me = useMe()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<string[]>([])
  const [days, setDays] = useState('90')
  const client = useQueryClient()
  const make = useMutation({
    mutationFn: () => answer(() => api.POST('/api/v1/me/tokens', { body: { name, scopes, days: Number(days) } })),
    onSuccess: async (token) => {
      await client.invalidateQueries({ queryKey: ['me', 'tokens'] })
      onMade(token)
    },
  })
  return (
    <Dialog title="New token" isOpen onClose={onClose} firm>
      <Form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          make.mutate()
        }}
      >
        <TextField
          label="What it is for"
          isRequired
          maxLength={100}
          value={name}
          onChange={setName}
          placeholder="nightly report"
          autoComplete="off"
        />
        <CheckboxGroup className="stack tight" value={scopes} onChange={setScopes} isRequired>
          <Label className="label">What it may do</Label>
          {me.grants.map((g) => (
            <Checkbox key={g} value={g}>
              {describeGrant(g)}
            </Checkbox>
          ))}
        </CheckboxGroup>
        <SelectField label="It lasts" value={days} onChange={setDays} options={lifetimes} />
        {make.isError && <ProblemNotice doing="Could not make the token" error={make.error} />}
        <div className="dialog-actions">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" emphasis="primary" isPending={make.isPending} isDisabled={scopes.length === 0}>
            Make it
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
