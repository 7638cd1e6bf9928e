import { Bot, KeyRound, SquareTerminal, UserRound } from 'lucide-react'
import type { Actor } from '~/api/_schema.gen'

const icons = { person: UserRound, 'command line': SquareTerminal, token: KeyRound, workload: Bot }

/** Who did something, and by which sort of credential where that was not in person. */
export function ActorName({ actor }: { actor: Actor }) {
  const Icon = icons[actor.kind]
  return (
    <span className="actor">
      <Icon aria-hidden="true" size={14} />
      <span title={actor.name || undefined}>{actor.username}</span>
      {actor.kind !== 'person' && <span className="muted"> (by {actor.kind})</span>}
    </span>
  )
}
