import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

interface Props {
  icon: LucideIcon
  title: string
  /** What would change that. */
  children?: ReactNode
}

/** Stands where there is nothing, and says how to get something there. */
export function Empty({ icon: Icon, title, children }: Props) {
  return (
    <div className="empty">
      <Icon aria-hidden="true" size={28} strokeWidth={1.5} />
      <p className="empty-title">{title}</p>
      {children}
    </div>
  )
}
