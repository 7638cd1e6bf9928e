import { useLocation } from 'react-router'
import { signInPage } from '~/api/client'
import { Logo } from './Logo'

/** What somebody sees who is not signed in. */
export function SignIn() {
  const { pathname, search } = useLocation()
  return (
    <main className="sign-in">
      <title>Sign in · Slipway</title>
      <Logo />
      <h1>Slipway</h1>
      <p>From a template to production, and a proof of every step.</p>
      <p>
        <a className="button primary" href={signInPage(pathname + search)}>
          Sign in
        </a>
      </p>
      <p className="muted small">You sign in at your organisation's identity provider, and come back to this page.</p>
    </main>
  )
}
