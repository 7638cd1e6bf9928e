import { useState } from 'react'
import { remember, remembered } from '~/lib/storage'

export type Theme = 'system' | 'light' | 'dark'

export const themes: Theme[] = ['system', 'light', 'dark']

/** The theme, and how to change it. public/theme.js sets it before the first drawing. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState<Theme>(() => {
    const kept = remembered('theme')
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  })
  return [
    theme,
    (next) => {
      remember('theme', next === 'system' ? '' : next)
      if (next === 'system') delete document.documentElement.dataset.theme
      else document.documentElement.dataset.theme = next
      set(next)
    },
  ]
}
