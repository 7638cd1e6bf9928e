import { useState } from 'react'
import type { Checkpoint } from '~/api/_schema.gen'
import { type Check, keysOf, type Pinned } from '~/audit/verify'
import { Button } from '~/components/Button'
import { CopyButton } from '~/components/Copy'
import { Dialog } from '~/components/Dialog'
import { Status } from '~/components/Status'

/** What came of checks in the browser. */
export function Checks({ checks }: { checks: Check[] }) {
  return (
    <ul className="rows">
      {checks.map((c) => (
        <li key={c.name} className="stack tight">
          <div className="row between">
            <span className="strong">{c.name}</span>
            <Status state={c.verdict} />
          </div>
          <p className={c.verdict === 'fail' ? 'field-error' : 'muted small'}>{c.reason}</p>
        </li>
      ))}
    </ul>
  )
}

interface KeysProps {
  checkpoint: Checkpoint
  pinned: Pinned | undefined
  pin: (pinned: Pinned) => void
}

/** The server's keys, to be compared with the ones that one has from elsewhere. */
export function Keys({ checkpoint, pinned, pin }: KeysProps) {
  const [open, setOpen] = useState(false)
  const keys = keysOf(checkpoint)
  const known = pinned?.log === keys.log && keys.signers.every((s) => pinned.signers.includes(s))
  return (
    <>
      <div>
        <Button onPress={() => setOpen(true)}>{known ? 'Show the keys' : 'Compare the keys'}</Button>
      </div>
      <Dialog title="The keys of the log" isOpen={open} onClose={() => setOpen(false)}>
        <p>
          These keys come from the server that is being checked. They prove something only if you have them from
          elsewhere too: from an export that was kept, from the repository that checkpoints are published to, or from
          whoever runs the platform.
        </p>
        <Key name="Of the log" value={keys.log} />
        {keys.signers.map((s, i) => (
          <Key key={s} name={keys.signers.length > 1 ? `Of decisions, ${i + 1}` : 'Of decisions'} value={s} />
        ))}
        <div className="dialog-actions">
          <Button onPress={() => setOpen(false)}>Close</Button>
          {!known && (
            <Button
              emphasis="primary"
              onPress={() => {
                pin(keys)
                setOpen(false)
              }}
            >
              I have compared them: remember them
            </Button>
          )}
        </div>
      </Dialog>
    </>
  )
}

function Key({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <div className="row between">
        <h3>{name}</h3>
        <CopyButton text={value} what={`the key ${name.toLowerCase()}`} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
      <pre className="code" tabIndex={0}>
        {value}
      </pre>
    </div>
  )
}
