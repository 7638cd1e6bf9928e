import { useSyncExternalStore } from 'react'

/** Whether the server has said that nobody is signed in any more. */
let ended = false
const listeners = new Set<() => void>()

function set(value: boolean): void {
  if (value === ended) return
  ended = value
  for (const l of listeners) l()
}

export function noteSessionEnd(): void {
  set(true)
}

export function noteSession(): void {
  set(false)
}

export function useSessionEnded(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => ended,
  )
}
