/**
 * An address from outside, if it is one that may be linked: a catalogue's file may hold anything, "javascript:" too.
 */
export function safeUrl(text: string | undefined): string | undefined {
  if (!text) return undefined
  try {
    const url = new URL(text, window.location.origin)
    return ['https:', 'http:', 'mailto:'].includes(url.protocol) ? url.href : undefined
  } catch {
    return undefined
  }
}

/** The host of an address, for people to see where a link leads. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return url
  }
}

/** What an address names at its host: "payments/orders". */
export function pathOf(url: string): string {
  try {
    return new URL(url).pathname.replace(/^\/|(\.git)?\/?$/g, '') || hostOf(url)
  } catch {
    return url
  }
}
