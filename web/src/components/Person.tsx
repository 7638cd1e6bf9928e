import { Bot, KeyRound, SquareTerminal, UserRound } from 'lucide-react'
import type { Actor } from '~/api/_schema.gen'

const icons = { person: UserRound, 'command line': SquareTerminal, token: KeyRound, workload: Bot }

/** A service account's name is its last part; the whole stands in the tooltip. */
function nameOf(actor: Actor): string {
  return actor.kind === 'workload' ? (actor.username.split(':').at(-1) ?? actor.username) : actor.username
}

/** Who did something, and by which sort of credential where that was not in person. */
export function ActorName({ actor }: { actor: Actor }) {
  const Icon = icons[actor.kind]
  return (
    <span className="actor">
      <Icon aria-hidden="true" size={14} />
      <span title={actor.name || actor.username}>{nameOf(actor)}</span>
      {actor.kind !== 'person' && <span className="muted small nowrap">{actor.kind}</span>}
    </span>
  )
}
