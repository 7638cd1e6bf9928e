import { useSearchParams } from 'react-router'

/** Filters that stand in the address, so that what is shown can be sent to others. Empty ones are left out. */
export function useFilters<Name extends string>(
  ...names: Name[]
): [Partial<Record<Name, string>>, (name: Name, value: string) => void] {
  const [params, setParams] = useSearchParams()
  const filters: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = params.get(name)
    if (value) filters[name] = value
  }
  const set = (name: Name, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before)
        if (value === '') next.delete(name)
        else next.set(name, value)
        return next
      },
      { replace: true },
    )
  return [filters, set]
}
