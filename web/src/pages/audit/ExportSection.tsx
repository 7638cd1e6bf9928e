import { Download } from 'lucide-react'
import { may } from '~/api/access'
import { useMe } from '~/app/me'
import { Section } from '~/components/Page'

/** The way to take the log away, and to check it without the platform. */
export function ExportSection({ from, to }: { from?: string; to?: string }) {
  const me = useMe()
  const range = new URLSearchParams({ ...(from && { from }), ...(to && { to }) })
  return (
    <Section title="Verify it yourself">
      <p>An export holds everything that a check needs, on any machine, without this platform:</p>
      <pre className="code wrap">slipway audit verify slipway-audit.zip</pre>
      {may(me, 'auditor') ? (
        <p>
          <a className="button" href={`/api/v1/audit/export?${range}`} download>
            <Download aria-hidden="true" size={16} />
            Export {from || to ? 'the days above' : 'the whole log'}
          </a>
        </p>
      ) : (
        <p className="muted">Auditors of the platform can export it.</p>
      )}
    </Section>
  )
}
