import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import type { CreatedToken, Session, Token } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { mySessions, myTokens } from '~/api/queries'
import { useMe } from '~/app/me'
import { type Theme, themes, useTheme } from '~/app/theme'
import { Button } from '~/components/Button'
import { CopyButton } from '~/components/Copy'
import { Empty } from '~/components/Empty'
import { Facts } from '~/components/Facts'
import { SelectField } from '~/components/Field'
import { Grants } from '~/components/Grants'
import { Load, LoadPages } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { RevokeButton } from '~/components/RevokeButton'
import { Tag } from '~/components/Status'
import { type Column, Table } from '~/components/Table'
import { Moment, Time } from '~/components/Time'
import { TokenTable } from '~/components/TokenTable'
import { sentence } from '~/lib/words'
import { NewTokenDialog } from './NewTokenDialog'

/** Oneself: roles, theme, tokens, the browsers one is signed in with. */
export function Settings() {
  return (
    <Page title="Settings" lead="Who you are here, and what acts for you.">
      <Profile />
      <MyTokens />
      <MySessions />
    </Page>
  )
}

function Profile() {
  const me = useMe()
  const [theme, setTheme] = useTheme()
  return (
    <Section title="You">
      <Facts
        facts={[
          ['Name', me.name],
          ['User name', me.username],
          ['E-mail', me.email],
          ['Roles', <Grants key="roles" grants={me.grants} />],
          ['Vouched for by', me.issuer && <code>{me.issuer}</code>],
          ['Signed in until', me.idle && <Moment at={me.idle} />],
        ]}
      />
      <div className="filters">
        <SelectField
          label="Theme"
          value={theme}
          onChange={(v) => setTheme(v as Theme)}
          options={themes.map((t) => ({ value: t, text: sentence(t) }))}
        />
      </div>
    </Section>
  )
}

function MyTokens() {
  const query = useInfiniteQuery(myTokens)
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<CreatedToken>()
  return (
    <Section title="Tokens and command lines" actions={<Button onPress={() => setMaking(true)}>New token</Button>}>
      {made && <Secret token={made} />}
      <LoadPages
        query={query}
        what="your tokens"
        empty={
          <Empty icon={KeyRound} title="You have no tokens">
            <p>
              Make one for a script, or sign a command line in by <code>slipway login</code>.
            </p>
          </Empty>
        }
      >
        {(items: Token[]) => (
          <TokenTable
            tokens={items}
            actions={(t) => (
              <RevokeButton
                what={t.name}
                verb="Revoke"
                explanation="Whatever uses it can do nothing from now on. It cannot be taken back."
                stale={['me']}
                end={() => answer(() => api.DELETE('/api/v1/me/tokens/{token}', { params: { path: { token: t.id } } }))}
              />
            )}
          />
        )}
      </LoadPages>
      {making && (
        <NewTokenDialog
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMaking(false)
            setMade(token)
          }}
        />
      )}
    </Section>
  )
}

/** The secret of a token that was just made. */
function Secret({ token }: { token: CreatedToken }) {
  return (
    <Notice tone="good" title={`The token ${token.name} is made`} live>
      <p>Copy it now: it is shown this once, and nobody can show it again.</p>
      <p className="row">
        <code className="secret">{token.secret}</code>
        <CopyButton text={token.secret} what="the token" />
      </p>
      <p className="muted small">
        Send it as <code>Authorization: Bearer …</code>
      </p>
    </Notice>
  )
}

function MySessions() {
  const query = useQuery(mySessions)
  return (
    <Section title="Browsers you are signed in with">
      <Load query={query} what="your sessions">
        {({ items }) => <Table label="Sessions" columns={columns} rows={items} id={(s) => s.id} />}
      </Load>
    </Section>
  )
}

const columns: Column<Session>[] = [
  {
    heading: 'Browser',
    wide: true,
    cell: (s) => (
      <>
        {s.agent || 'unknown'} {s.current && <Tag tone="good">this one</Tag>}
      </>
    ),
  },
  { heading: 'From', cell: (s) => <code>{s.client}</code> },
  { heading: 'Since', cell: (s) => <Time at={s.created} /> },
  { heading: 'Last used', cell: (s) => <Time at={s.seen} /> },
  {
    heading: 'Actions',
    cell: (s) =>
      !s.current && (
        <RevokeButton
          what={`the browser at ${s.client}`}
          verb="Sign out"
          explanation="Whoever uses that browser has to sign in again."
          stale={['me']}
          end={() => answer(() => api.DELETE('/api/v1/me/sessions/{session}', { params: { path: { session: s.id } } }))}
        />
      ),
  },
]
