import { useInfiniteQuery } from '@tanstack/react-query'
import {
  Boxes,
  Container,
  FileCheck2,
  GitPullRequestArrow,
  House,
  Layers,
  LogOut,
  type LucideIcon,
  Menu,
  Moon,
  Plus,
  Search,
  Server,
  Sun,
  SunMoon,
  Users,
  X,
} from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { Link, NavLink, useLocation } from 'react-router'
import type { Me } from '~/api/_schema.gen'
import { may, mayAnywhere } from '~/api/access'
import { signOut } from '~/api/client'
import { promotions } from '~/api/queries'
import { Button, IconButton } from '~/components/Button'
import { paths } from '~/lib/paths'
import { Logo } from './Logo'
import { useMe } from './me'
import { type Theme, themes, useTheme } from './theme'

const SearchDialog = lazy(async () => ({ default: (await import('./SearchDialog')).SearchDialog }))

interface Entry {
  to: string
  text: string
  icon: LucideIcon
  /** Who it is for; everyone where it is left out. */
  when?: (me: Me) => boolean
}

const groups: { name: string; entries: Entry[] }[] = [
  {
    name: 'Deliver',
    entries: [
      { to: paths.home, text: 'Home', icon: House },
      { to: paths.applications, text: 'Applications', icon: Container },
      { to: paths.promotions, text: 'Promotions', icon: GitPullRequestArrow },
      { to: paths.environments, text: 'Environments', icon: Layers },
    ],
  },
  {
    name: 'Discover',
    entries: [
      { to: paths.catalogue, text: 'Catalogue', icon: Boxes },
      { to: paths.create, text: 'Create', icon: Plus, when: (me) => mayAnywhere(me, 'developer') },
    ],
  },
  {
    name: 'Govern',
    entries: [
      { to: paths.audit, text: 'Audit', icon: FileCheck2 },
      { to: paths.platform, text: 'Platform', icon: Server },
      { to: paths.people, text: 'People', icon: Users, when: (me) => may(me, 'auditor') },
    ],
  },
]

/** The ways to all pages. On small screens it opens and closes. */
export function Sidebar() {
  const [open, setOpen] = useState(false)
  const { pathname } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes when another page is opened
  useEffect(() => setOpen(false), [pathname])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what is open, wherever in it the focus is
    <header className="sidebar" data-open={open} onKeyDown={(e) => e.key === 'Escape' && setOpen(false)}>
      <div className="sidebar-top">
        <Link to={paths.home} className="brand" aria-label="Slipway, first page">
          <Logo />
          <span>Slipway</span>
        </Link>
        <SearchButton />
        <span className="menu-button">
          <Button emphasis="quiet" aria-expanded={open} aria-controls="navigation" onPress={() => setOpen(!open)}>
            {open ? <X aria-hidden="true" size={20} /> : <Menu aria-hidden="true" size={20} />}
            <span className="hidden">{open ? 'Close the menu' : 'Open the menu'}</span>
          </Button>
        </span>
      </div>
      <div id="navigation" className="navigation">
        <Navigation />
        <Account />
      </div>
    </header>
  )
}

function Navigation() {
  const me = useMe()
  const forApproval = useInfiniteQuery({
    ...promotions({ waiting: true, limit: 20 }),
    enabled: mayAnywhere(me, 'approver'),
  })
  const waiting = forApproval.data?.pages[0]?.items.length ?? 0
  return (
    <nav aria-label="Pages">
      {groups.map((group) => (
        <div key={group.name}>
          <h2 id={`pages-${group.name}`}>{group.name}</h2>
          <ul aria-labelledby={`pages-${group.name}`}>
            {group.entries
              .filter((e) => e.when?.(me) ?? true)
              .map(({ to, text, icon: Icon }) => (
                <li key={to}>
                  <NavLink to={to} end={to === paths.home}>
                    <Icon aria-hidden="true" size={18} strokeWidth={1.75} />
                    {text}
                    {to === paths.promotions && <Badge count={waiting} />}
                  </NavLink>
                </li>
              ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

/** How many things wait for the reader. */
function Badge({ count }: { count: number }) {
  if (count === 0) return null
  return (
    <span className="badge">
      {count}
      <span className="hidden"> waiting for your approval</span>
    </span>
  )
}

/** Opens the search; so do Ctrl K, ⌘ K and, outside of fields, "/". */
function SearchButton() {
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      const inField = e.target instanceof HTMLElement && e.target.matches('input, textarea, select, [contenteditable]')
      const wanted =
        ((e.ctrlKey || e.metaKey) && e.key === 'k') || (e.key === '/' && !inField && !e.ctrlKey && !e.metaKey)
      if (!wanted) return
      e.preventDefault()
      setOpen(true)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return (
    <>
      <button type="button" className="search-button" aria-keyshortcuts="Control+K" onClick={() => setOpen(true)}>
        <Search aria-hidden="true" size={16} />
        <span>Search</span>
        <kbd aria-hidden="true">Ctrl K</kbd>
      </button>
      <Suspense>{open && <SearchDialog onClose={() => setOpen(false)} />}</Suspense>
    </>
  )
}

function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
  return `${words[0]?.[0] ?? ''}${words.length > 1 ? (words.at(-1)?.[0] ?? '') : (words[0]?.[1] ?? '')}`.toUpperCase()
}

const themeIcons: Record<Theme, LucideIcon> = { system: SunMoon, light: Sun, dark: Moon }

/** Oneself: settings, theme, signing out. */
function Account() {
  const me = useMe()
  const [theme, setTheme] = useTheme()
  const [failed, setFailed] = useState(false)
  const Icon = themeIcons[theme]
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system'
  const leave = () => {
    signOut().then(
      (to) => window.location.assign(to),
      () => setFailed(true),
    )
  }
  return (
    <div className="account">
      <NavLink to={paths.settings} className="account-name">
        <span className="avatar" aria-hidden="true">
          {initials(me.name || me.username)}
        </span>
        <span className="account-who">
          <span>{me.name || me.username}</span>
          <span className="small">Settings</span>
        </span>
      </NavLink>
      <IconButton label={`Theme: ${theme}. Change to ${next}`} onPress={() => setTheme(next)}>
        <Icon aria-hidden="true" size={18} strokeWidth={1.75} />
      </IconButton>
      <IconButton label="Sign out" onPress={leave}>
        <LogOut aria-hidden="true" size={18} strokeWidth={1.75} />
      </IconButton>
      {failed && (
        <p role="alert" className="field-error">
          Signing out did not work. Try again.
        </p>
      )}
    </div>
  )
}
