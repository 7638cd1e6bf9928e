import type { ReactNode } from 'react'
import type { Token } from '~/api/_schema.gen'
import { Grants } from './Grants'
import { Status } from './Status'
import { type Column, Table } from './Table'
import { Time } from './Time'

interface Props {
  tokens: Token[]
  /** Says whose it is, where that is not clear. */
  owner?: (t: Token) => ReactNode
  actions: (t: Token) => ReactNode
}

/** Tokens, without their secrets, which nobody has but who made them. */
export function TokenTable({ tokens, owner, actions }: Props) {
  const columns: Column<Token>[] = [
    {
      heading: 'Name',
      cell: (t) => (
        <>
          <span className="strong">{t.name}</span>
          <p className="muted small">{t.kind === 'cli' ? 'command line' : 'API token'}</p>
        </>
      ),
    },
    ...(owner ? [{ heading: 'Owner', cell: owner }] : []),
    { heading: 'May', wide: true, cell: (t) => <Grants grants={t.scopes} /> },
    { heading: 'State', cell: (t) => <Status state={t.state} /> },
    { heading: 'Ends', cell: (t) => <Time at={t.expires} /> },
    { heading: 'Last used', cell: (t) => (t.used ? <Time at={t.used} /> : <span className="muted">never</span>) },
    { heading: 'Actions', cell: (t) => t.state === 'good' && actions(t) },
  ]
  return <Table label="Tokens" columns={columns} rows={tokens} id={(t) => t.id} />
}
