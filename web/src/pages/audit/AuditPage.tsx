import { Outlet } from 'react-router'
import { may } from '~/api/access'
import { useMe } from '~/app/me'
import { Page } from '~/components/Page'
import { TabLinks } from '~/components/Tabs'
import { paths } from '~/lib/paths'

/** The audit log and what is found by it. */
export function AuditPage() {
  const me = useMe()
  const tabs = [
    { to: paths.audit, text: 'Decisions', end: true },
    { to: paths.findings, text: 'Findings' },
    ...(may(me, 'auditor') ? [{ to: paths.policyTest, text: 'Test a policy' }] : []),
  ]
  return (
    <Page title="Audit" lead="Every decision about a promotion, in a log to which entries can only be added.">
      <TabLinks label="Parts of the audit" tabs={tabs} />
      <Outlet />
    </Page>
  )
}
