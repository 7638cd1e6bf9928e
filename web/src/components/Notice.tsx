import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

const icons = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert }

interface Props {
  tone?: keyof typeof icons
  title?: string
  children?: ReactNode
  /** Says it aloud to who does not see it appear. */
  live?: boolean
}

/** Something worth knowing, beside what it is about. */
export function Notice({ tone = 'info', title, children, live }: Props) {
  const Icon = icons[tone]
  return (
    <div className={`notice ${tone}`} role={live ? (tone === 'bad' ? 'alert' : 'status') : undefined}>
      <Icon aria-hidden="true" size={18} />
      <div>
        {title && <p className="notice-title">{title}</p>}
        {children}
      </div>
    </div>
  )
}
