import { NavLink } from 'react-router'

interface Props {
  label: string
  tabs: { to: string; text: string; end?: boolean }[]
}

/** Parts of a thing that have addresses of their own: links, so that they can be opened and sent like any page. */
export function TabLinks({ label, tabs }: Props) {
  return (
    <nav aria-label={label} className="tabs">
      <ul>
        {tabs.map((tab) => (
          <li key={tab.to}>
            <NavLink to={tab.to} end={tab.end}>
              {tab.text}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  )
}
