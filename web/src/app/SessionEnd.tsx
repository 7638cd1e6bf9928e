import { useQueryClient } from '@tanstack/react-query'
import { signInPage } from '~/api/client'
import { me } from '~/api/queries'
import { Button } from '~/components/Button'
import { Dialog } from '~/components/Dialog'
import { noteSession, useSessionEnded } from './session'

/** Says that the session has ended, without taking away what somebody was just writing. */
export function SessionEnd() {
  const ended = useSessionEnded()
  const client = useQueryClient()
  const goOn = async () => {
    try {
      await client.fetchQuery({ ...me, staleTime: 0 })
      noteSession()
      await client.invalidateQueries()
    } catch {
      // Still nobody is signed in: the dialog stays.
    }
  }
  return (
    <Dialog title="Your session has ended" isOpen={ended} onClose={noteSession} firm>
      <p>Nothing on this page is lost. Sign in again in a new tab, then come back here.</p>
      <div className="dialog-actions">
        <Button onPress={() => void goOn()}>I have signed in</Button>
        <a className="button primary" href={signInPage('/')} target="_blank" rel="noreferrer">
          Sign in again
          <span className="hidden"> (opens in a new tab)</span>
        </a>
      </div>
    </Dialog>
  )
}
