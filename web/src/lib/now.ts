import { useSyncExternalStore } from 'react'

/** A clock that ticks for as long as somebody looks at it; all who look are told at once. */
function clock(every: number) {
  let now = Date.now()
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  return {
    read: () => now,
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      now = Date.now()
      timer ??= setInterval(() => {
        now = Date.now()
        for (const l of listeners) l()
      }, every)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) {
          clearInterval(timer)
          timer = undefined
        }
      }
    },
  }
}

// In milliseconds: how often what is written relative to now is written anew, and what is counted up.
const coarse = clock(15_000)
const fine = clock(1_000)

/** The time, one for the whole page, so that all of it is written anew at once. */
export function useNow(): number {
  return useSyncExternalStore(coarse.subscribe, coarse.read)
}

/** The time, by the second, for what is under way. */
export function useSeconds(): number {
  return useSyncExternalStore(fine.subscribe, fine.read)
}
