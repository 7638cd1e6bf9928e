import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components'
import { Link, type LinkProps } from 'react-router'

/** How much a button stands out: one primary a page, quiet ones in rows, danger for what cannot be undone. */
export type Emphasis = 'primary' | 'normal' | 'quiet' | 'danger'

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  emphasis?: Emphasis
  children: ReactNode
}

export function Button({ emphasis = 'normal', children, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={`button ${emphasis}`}>
      {props.isPending && <span className="spinner" aria-hidden="true" />}
      {children}
    </AriaButton>
  )
}

/** A button of one icon; its label is for those who do not see it, and stands in its tooltip. */
export function IconButton({ label, children, ...props }: Omit<ButtonProps, 'emphasis'> & { label: string }) {
  return (
    <span title={label} className="icon-button-box">
      <AriaButton {...props} aria-label={label} className="button icon-button">
        {children}
      </AriaButton>
    </span>
  )
}

/** A link that looks like a button. */
export function ButtonLink({ emphasis = 'normal', ...props }: Omit<LinkProps, 'className'> & { emphasis?: Emphasis }) {
  return <Link {...props} className={`button ${emphasis}`} />
}
