import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { type EntityName, graph } from '~/api/queries'
import { SelectField } from '~/components/Field'
import { Load, Skeleton } from '~/components/Load'
import { Section } from '~/components/Page'

const GraphView = lazy(async () => ({ default: (await import('~/graph/GraphView')).GraphView }))

const depths = [1, 2, 3, 4, 5].map((n) => ({ value: String(n), text: n === 1 ? '1 step' : `${n} steps` }))

/** What is around an entity, drawn. */
export function Relations({ of }: { of: EntityName }) {
  const [depth, setDepth] = useState('1')
  const query = useQuery(graph(of, Number(depth)))
  return (
    <Section
      title="What is around it"
      actions={<SelectField label="Distance" value={depth} onChange={setDepth} options={depths} />}
    >
      <Load query={query} what="its relations" lines={6}>
        {(g) => (
          <Suspense fallback={<Skeleton lines={6} />}>
            <GraphView graph={g} />
          </Suspense>
        )}
      </Load>
    </Section>
  )
}
