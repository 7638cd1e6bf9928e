import { useSyncExternalStore } from 'react'

/** How often what is written relative to now is written anew, in milliseconds. */
const tick = 15_000

let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  now = Date.now()
  timer ??= setInterval(() => {
    now = Date.now()
    for (const l of listeners) l()
  }, tick)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The time, one for the whole page, so that all of it is written anew at once. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}
