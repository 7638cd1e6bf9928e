import { useState } from 'react'
import type { Pinned } from '~/audit/verify'
import { remember, remembered } from '~/lib/storage'

function read(): Pinned | undefined {
  try {
    const value: unknown = JSON.parse(remembered('audit-keys'))
    if (typeof value !== 'object' || value === null || !('log' in value) || !('signers' in value)) return undefined
    return value as Pinned
  } catch {
    return undefined
  }
}

/** The keys that were compared in this browser, and how to say that others were. */
export function usePins(): [Pinned | undefined, (pinned: Pinned) => void] {
  const [pinned, set] = useState(read)
  return [
    pinned,
    (next) => {
      remember('audit-keys', JSON.stringify(next))
      set(next)
    },
  ]
}
