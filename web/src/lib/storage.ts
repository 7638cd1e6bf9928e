/** Remembers small texts in this browser. Where that is forbidden, nothing is remembered, and nothing fails. */

const prefix = 'slipway.'

export function remembered(name: string): string {
  try {
    return localStorage.getItem(prefix + name) ?? ''
  } catch {
    return ''
  }
}

export function remember(name: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(prefix + name)
    else localStorage.setItem(prefix + name, value)
  } catch {
    // Storage is forbidden, or full.
  }
}
