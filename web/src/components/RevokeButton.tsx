import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from './Button'
import { Dialog } from './Dialog'
import { ProblemNotice } from './Problem'

interface Props {
  /** What ends, as in "the token nightly report". */
  what: string
  verb: string
  explanation: string
  end: () => Promise<unknown>
  /** The first words of the keys of what changes by it. */
  stale: string[]
}

/** A button that ends something for good, once it was asked whether it is meant. */
export function RevokeButton({ what, verb, explanation, end, stale }: Props) {
  const [open, setOpen] = useState(false)
  const client = useQueryClient()
  const mutation = useMutation({
    mutationFn: end,
    onSuccess: async () => {
      setOpen(false)
      await Promise.all(stale.map((area) => client.invalidateQueries({ queryKey: [area] })))
    },
  })
  return (
    <>
      <Button emphasis="quiet" onPress={() => setOpen(true)}>
        {verb}
        <span className="hidden"> {what}</span>
      </Button>
      <Dialog title={`${verb} ${what}?`} isOpen={open} onClose={() => setOpen(false)} role="alertdialog">
        <p>{explanation}</p>
        {mutation.isError && <ProblemNotice doing="This was not done" error={mutation.error} />}
        <div className="dialog-actions">
          <Button onPress={() => setOpen(false)}>Cancel</Button>
          <Button emphasis="danger" isPending={mutation.isPending} onPress={() => mutation.mutate()}>
            {verb}
          </Button>
        </div>
      </Dialog>
    </>
  )
}
