import type { PromotionFilter } from '~/api/queries'
import { Checkbox, SelectField } from '~/components/Field'
import { FilterText } from '~/components/FilterText'
import { Page, Section } from '~/components/Page'
import { useFilters } from '~/lib/filters'
import { sentence } from '~/lib/words'
import { PromotionList } from './PromotionList'

const states = ['open', 'allowed', 'refused', 'merged', 'healthy', 'failed', 'rolled back', 'closed'] as const

/** All promotions of one's teams. */
export function Promotions() {
  const [filters, set] = useFilters('state', 'application', 'to', 'waiting')
  const { state, application, to, waiting } = filters
  const filter: PromotionFilter = {
    ...(state && { state: state as (typeof states)[number] }),
    ...(application && { application }),
    ...(to && { to }),
    ...(waiting && { waiting: true }),
  }
  return (
    <Page title="Promotions" lead="Releases on their way from one environment to the next.">
      <Section title="Promotions" bare>
        <div className="filters">
          <SelectField
            label="State"
            value={state ?? ''}
            onChange={(value) => set('state', value)}
            options={[{ value: '', text: 'Any' }, ...states.map((s) => ({ value: s, text: sentence(s) }))]}
          />
          <FilterText label="Application" value={application ?? ''} onChange={(value) => set('application', value)} />
          <FilterText label="To environment" value={to ?? ''} onChange={(value) => set('to', value)} />
          <Checkbox isSelected={Boolean(waiting)} onChange={(on) => set('waiting', on ? 'true' : '')}>
            Only those that wait for my approval
          </Checkbox>
        </div>
        <div className="panel">
          <PromotionList filter={filter} />
        </div>
      </Section>
    </Page>
  )
}
