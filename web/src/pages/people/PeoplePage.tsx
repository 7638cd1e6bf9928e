import { Outlet } from 'react-router'
import { Page } from '~/components/Page'
import { TabLinks } from '~/components/Tabs'
import { paths } from '~/lib/paths'

const tabs = [
  { to: paths.people, text: 'People', end: true },
  { to: paths.tokens, text: 'Tokens' },
]

/** Who can do what here. */
export function PeoplePage() {
  return (
    <Page title="People" lead="Who has signed in, what they may do, and the tokens that act for them.">
      <TabLinks label="People and tokens" tabs={tabs} />
      <Outlet />
    </Page>
  )
}
