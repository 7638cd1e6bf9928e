import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { RouterProvider } from 'react-aria-components'
import { Outlet, ScrollRestoration, useHref, useLocation, useNavigate, useNavigation } from 'react-router'
import { asApiError } from '~/api/problem'
import { me } from '~/api/queries'
import { ProblemNotice } from '~/components/Problem'
import { useLive } from './live'
import { SessionEnd } from './SessionEnd'
import { Sidebar } from './Sidebar'
import { SignIn } from './SignIn'

/** What is around every page: who is signed in, the ways to the other pages. */
export function Shell() {
  const query = useQuery(me)
  const navigate = useNavigate()
  if (query.data) {
    return (
      <RouterProvider navigate={(to) => void navigate(to)} useHref={useHref}>
        <Frame />
      </RouterProvider>
    )
  }
  if (!query.isError) return <Splash />
  if (asApiError(query.error).status === 401) return <SignIn />
  return (
    <main className="sign-in">
      <h1>Slipway</h1>
      <ProblemNotice doing="The console could not start" error={query.error} retry={() => void query.refetch()} />
    </main>
  )
}

/** Stands until it is known who is signed in, and until the first page has come. */
export function Splash() {
  return (
    <main className="sign-in">
      <p role="status" className="muted">
        Loading
      </p>
    </main>
  )
}

function Frame() {
  useLive()
  useFocusOnPage()
  const busy = useNavigation().state !== 'idle'
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Sidebar />
      <main id="main" tabIndex={-1} aria-busy={busy}>
        {busy && <div className="page-progress" aria-hidden="true" />}
        <div className="page">
          <Outlet />
        </div>
      </main>
      <SessionEnd />
      <ScrollRestoration />
    </div>
  )
}

/** Puts the focus on a page's heading when it is opened, so that it is read aloud; not on the first page of a visit. */
function useFocusOnPage(): void {
  const { pathname } = useLocation()
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    document.querySelector<HTMLElement>('#main h1')?.focus({ preventScroll: true })
  }, [pathname])
}
