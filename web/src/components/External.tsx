import { ExternalLink } from 'lucide-react'
import type { ReactNode } from 'react'
import { safeUrl } from '~/lib/urls'
import type { Emphasis } from './Button'

interface Props {
  href: string | undefined
  /** Draws it as a button. */
  button?: Emphasis
  children: ReactNode
}

/** A link out of the console, in a new tab. What is no address for people is shown, and not linked. */
export function External({ href, button, children }: Props) {
  const url = safeUrl(href)
  if (!url) return <span>{children}</span>
  return (
    <a className={button ? `button ${button}` : 'external'} href={url} target="_blank" rel="noreferrer">
      {children}
      <ExternalLink aria-hidden="true" size={14} />
      <span className="hidden"> (opens in a new tab)</span>
    </a>
  )
}
