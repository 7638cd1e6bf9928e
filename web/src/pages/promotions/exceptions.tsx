import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Form } from 'react-aria-components'
import type { Promotion } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { SelectField, TextField } from '~/components/Field'
import { Notice } from '~/components/Notice'
import { ProblemNotice } from '~/components/Problem'

/** The ways around a gate. Each asks for a reason, which stays for ever. */

interface Props {
  promotion: Promotion
  onClose: () => void
}

const base = '/api/v1/teams/{team}/applications/{application}/promotions/{number}'

const pathOf = (p: Promotion) => ({ team: p.team, application: p.application, number: p.number })

/** Takes an exception's answer over: the promotion as it stands now. */
function useException(p: Promotion, request: () => Promise<Promotion>, onClose: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: request,
    onSuccess: async (now) => {
      client.setQueryData(['promotions', p.team, p.application, p.number], now)
      onClose()
      await Promise.all([
        client.invalidateQueries({ queryKey: ['promotions'] }),
        client.invalidateQueries({ queryKey: ['audit'] }),
      ])
    },
  })
}

const hours = [
  { value: '4', text: '4 hours' },
  { value: '24', text: '1 day' },
  { value: '72', text: '3 days' },
  { value: '168', text: '1 week' },
]

export function WaiveDialog({ promotion: p, gate, onClose }: Props & { gate: string }) {
  const [reason, setReason] = useState('')
  const [length, setLength] = useState('24')
  const waive = useException(
    p,
    () => {
      const until = new Date(Date.now() + Number(length) * 3_600_000).toISOString()
      return answer(() => api.POST(`${base}/waivers`, { params: { path: pathOf(p) }, body: { gate, reason, until } }))
    },
    onClose,
  )
  return (
    <ExceptionDialog
      title={`Waive “${gate}”`}
      verb="Waive it"
      onClose={onClose}
      reason={reason}
      setReason={setReason}
      mutation={waive}
      lead="The gate is left aside for this promotion. Who waived it, why and until when goes into the decision."
    >
      <SelectField label="For how long" value={length} onChange={setLength} options={hours} />
    </ExceptionDialog>
  )
}

export function BreakGlassDialog({ promotion: p, onClose }: Props) {
  const [reason, setReason] = useState('')
  const breakIt = useException(
    p,
    () => answer(() => api.POST(`${base}/break-glass`, { params: { path: pathOf(p) }, body: { reason } })),
    onClose,
  )
  return (
    <ExceptionDialog
      title="Break the glass"
      verb={`Promote to ${p.to} now`}
      danger
      onClose={onClose}
      reason={reason}
      setReason={setReason}
      mutation={breakIt}
      lead={`The release goes to ${p.to} whatever the gates say. Everybody is told, and a second person has to review it afterwards.`}
    />
  )
}

export function ReviewDialog({ promotion: p, onClose }: Props) {
  const [comment, setComment] = useState('')
  const [verdict, setVerdict] = useState('right')
  const review = useException(
    p,
    () =>
      answer(() =>
        api.POST(`${base}/break-glass/review`, {
          params: { path: pathOf(p) },
          body: { accepted: verdict === 'right', comment },
        }),
      ),
    onClose,
  )
  return (
    <ExceptionDialog
      title="Review the broken glass"
      verb="Put it into the log"
      label="Comment"
      onClose={onClose}
      reason={comment}
      setReason={setComment}
      mutation={review}
      lead={`${p.breakGlass?.by.username} wrote: “${p.breakGlass?.reason}”`}
    >
      <SelectField
        label="Was it right to break it?"
        value={verdict}
        onChange={setVerdict}
        options={[
          { value: 'right', text: 'Yes' },
          { value: 'wrong', text: 'No' },
        ]}
      />
    </ExceptionDialog>
  )
}

interface DialogProps {
  title: string
  verb: string
  lead: string
  label?: string
  danger?: boolean
  onClose: () => void
  reason: string
  setReason: (reason: string) => void
  mutation: { mutate: () => void; isPending: boolean; isError: boolean; error: unknown }
  children?: ReactNode
}

function ExceptionDialog({
  title,
  verb,
  lead,
  label = 'Reason',
  danger,
  onClose,
  reason,
  setReason,
  mutation,
  children,
}: DialogProps) {
  return (
    <Dialog title={title} isOpen onClose={onClose} firm role={danger ? 'alertdialog' : undefined}>
      <Form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault()
          mutation.mutate()
        }}
      >
        {danger ? (
          <Notice tone="warn">
            <p>{lead}</p>
          </Notice>
        ) : (
          <p>{lead}</p>
        )}
        {children}
        <TextField
          label={label}
          help="At least 10 characters. It goes into the audit log and stays there for ever."
          rows={3}
          isRequired
          minLength={10}
          maxLength={2000}
          value={reason}
          onChange={setReason}
        />
        {mutation.isError && <ProblemNotice doing="This was not done" error={mutation.error} />}
        <div className="dialog-actions">
          <Button onPress={onClose}>Cancel</Button>
          <Button type="submit" emphasis={danger ? 'danger' : 'primary'} isPending={mutation.isPending}>
            {verb}
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
