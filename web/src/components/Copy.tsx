import { Check, Copy as CopyIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { short } from '~/lib/words'
import { IconButton } from './Button'

/** A button that copies a text; for a moment it says that it did. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2000)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <>
      <IconButton
        label={copied ? `Copied ${what}` : `Copy ${what}`}
        onPress={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
      >
        {copied ? <Check aria-hidden="true" size={14} /> : <CopyIcon aria-hidden="true" size={14} />}
      </IconButton>
      <span role="status" className="hidden">
        {copied && `Copied ${what}`}
      </span>
    </>
  )
}

/** A digest or commit: short to read, whole to copy. */
export function Digest({ value, what = 'digest' }: { value: string; what?: string }) {
  return (
    <span className="digest">
      <code title={value}>{short(value)}</code>
      <CopyButton text={value} what={`${what} ${short(value)}`} />
    </span>
  )
}
