import {
  Ban,
  Check,
  CircleDashed,
  CircleHelp,
  Clock,
  type LucideIcon,
  RotateCcw,
  Siren,
  SkipForward,
  TriangleAlert,
  X,
} from 'lucide-react'
import { sentence } from '~/lib/words'

/** What a state means to who looks at it. Colour never says it alone: each state has an icon and a word. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'plain'

interface Look {
  tone: Tone
  icon: LucideIcon
  /** Where the word of the API is not the one for people. */
  word?: string
}

/** Every state of the API: of health, builds, runs, promotions, gates, decisions, tokens. */
const looks: Record<string, Look> = {
  healthy: { tone: 'good', icon: Check },
  progressing: { tone: 'busy', icon: CircleDashed },
  degraded: { tone: 'bad', icon: X },
  missing: { tone: 'warn', icon: CircleHelp },
  unknown: { tone: 'warn', icon: CircleHelp },
  pending: { tone: 'plain', icon: Clock },
  running: { tone: 'busy', icon: CircleDashed },
  succeeded: { tone: 'good', icon: Check },
  failed: { tone: 'bad', icon: X },
  skipped: { tone: 'plain', icon: SkipForward },
  cancelled: { tone: 'plain', icon: Ban },
  open: { tone: 'busy', icon: Clock },
  allowed: { tone: 'good', icon: Check },
  refused: { tone: 'bad', icon: X },
  merged: { tone: 'busy', icon: CircleDashed },
  'rolled back': { tone: 'warn', icon: RotateCcw },
  closed: { tone: 'plain', icon: Ban },
  'broken glass': { tone: 'warn', icon: Siren },
  withdrawn: { tone: 'plain', icon: Ban },
  reviewed: { tone: 'good', icon: Check },
  pass: { tone: 'good', icon: Check, word: 'passed' },
  fail: { tone: 'bad', icon: X, word: 'failed' },
  'not available': { tone: 'warn', icon: CircleHelp },
  waived: { tone: 'warn', icon: TriangleAlert },
  vacant: { tone: 'plain', icon: CircleDashed, word: 'nothing runs here' },
  good: { tone: 'good', icon: Check, word: 'valid' },
  expired: { tone: 'plain', icon: Clock },
  revoked: { tone: 'plain', icon: Ban },
}

const otherLook: Look = { tone: 'plain', icon: CircleHelp }

/** A state as an icon, where there is no room for its word. */
export function StatusIcon({ state }: { state: string }) {
  const { tone, icon: Icon, word = state } = looks[state] ?? otherLook
  return (
    <span className={`status-icon ${tone}`} title={sentence(word)}>
      <Icon aria-hidden="true" size={14} strokeWidth={2.5} />
      <span className="hidden">{word}</span>
    </span>
  )
}

/** A state as icon and word. */
export function Status({ state }: { state: string }) {
  const { tone, icon: Icon, word = state } = looks[state] ?? otherLook
  return (
    <span className={`status ${tone}`}>
      <Icon aria-hidden="true" size={14} strokeWidth={2.5} />
      {sentence(word)}
    </span>
  )
}

/** The tone of a state, for what is drawn around it. */
export function toneOf(state: string): Tone {
  return (looks[state] ?? otherLook).tone
}

/** A short word about a thing: "governed", "Component". */
export function Tag({ children, tone = 'plain' }: { children: string; tone?: Tone }) {
  return <span className={`tag ${tone}`}>{children}</span>
}
