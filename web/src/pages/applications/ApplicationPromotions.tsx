import { Section } from '~/components/Page'
import { PromotionList } from '../promotions/PromotionList'
import { useApplication } from './ApplicationPage'

/** The promotions of the application. */
export function ApplicationPromotions() {
  const a = useApplication()
  return (
    <Section title="Promotions">
      <PromotionList filter={{ team: a.team, application: a.name }} />
    </Section>
  )
}
