import { Check, Circle, CircleDashed, X } from 'lucide-react'
import type { Promotion } from '~/api/_schema.gen'
import { useNow } from '~/lib/now'
import { journey, type Stop } from './journey'
import './promotion.css'

const icons = { done: Check, now: CircleDashed, bad: X, ahead: Circle }

const words: Record<Stop['state'], string> = { done: 'done', now: 'under way', bad: 'failed', ahead: 'ahead' }

/** Where a promotion stands on its way. */
export function Journey({ promotion }: { promotion: Promotion }) {
  const stops = journey(promotion, useNow())
  return (
    <ol className="journey" aria-label="How far it is">
      {stops.map((s) => {
        const Icon = icons[s.state]
        return (
          <li key={s.name} className={s.state}>
            <span className="journey-mark">
              <Icon aria-hidden="true" size={14} strokeWidth={2.5} />
              <span className="hidden">{words[s.state]}: </span>
            </span>
            <span>
              <span className="strong">{s.name}</span>
              <span className="journey-detail muted small">{s.detail}</span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}
