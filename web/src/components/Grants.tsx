import { describeGrant } from '~/api/access'
import { Tag } from './Status'

/** Roles, in words. */
export function Grants({ grants }: { grants: string[] }) {
  if (grants.length === 0) return <span className="muted">none</span>
  return (
    <ul className="row">
      {grants.map((g) => (
        <li key={g}>
          <Tag>{describeGrant(g)}</Tag>
        </li>
      ))}
    </ul>
  )
}
