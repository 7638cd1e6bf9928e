import type { InfiniteData, UseInfiniteQueryResult, UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Button } from './Button'
import { ProblemNotice } from './Problem'

/** Grey bars where something is about to stand. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div className="skeleton" role="status">
      <span className="hidden">Loading</span>
      {Array.from({ length: lines }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <span key={i} aria-hidden="true" />
      ))}
    </div>
  )
}

interface LoadProps<T> {
  query: UseQueryResult<T>
  /** What is loaded, as in "the applications". */
  what: string
  lines?: number
  children: (data: T) => ReactNode
}

/** Shows what a query gave; bars while it loads, the cause where it failed. */
export function Load<T>({ query, what, lines, children }: LoadProps<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && (
          <ProblemNotice doing={`Could not refresh ${what}`} error={query.error} retry={() => void query.refetch()} />
        )}
        {children(query.data)}
      </>
    )
  }
  if (query.isError)
    return <ProblemNotice doing={`Could not load ${what}`} error={query.error} retry={() => void query.refetch()} />
  return <Skeleton lines={lines} />
}

interface PagesProps<T> {
  query: UseInfiniteQueryResult<InfiniteData<{ items: T[]; next?: string }>>
  what: string
  lines?: number
  /** Stands where the list has no items. */
  empty: ReactNode
  children: (items: T[]) => ReactNode
}

/** Shows a list that comes in pages, with a button for more. */
export function LoadPages<T>({ query, what, lines, empty, children }: PagesProps<T>) {
  if (query.data === undefined) {
    if (query.isError)
      return <ProblemNotice doing={`Could not load ${what}`} error={query.error} retry={() => void query.refetch()} />
    return <Skeleton lines={lines} />
  }
  const items = query.data.pages.flatMap((page) => page.items)
  return (
    <>
      {query.isError && (
        <ProblemNotice doing={`Could not refresh ${what}`} error={query.error} retry={() => void query.refetch()} />
      )}
      {items.length === 0 ? empty : children(items)}
      {query.hasNextPage && (
        <p className="more">
          <Button isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
            Show more
          </Button>
        </p>
      )}
    </>
  )
}
