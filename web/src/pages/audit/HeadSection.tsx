import { useQuery } from '@tanstack/react-query'
import type { Checkpoint } from '~/api/_schema.gen'
import { checkpoint } from '~/api/queries'
import { fromBase64, toHex } from '~/audit/bytes'
import { verifyCheckpoint } from '~/audit/verify'
import { Digest } from '~/components/Copy'
import { Facts } from '~/components/Facts'
import { Load } from '~/components/Load'
import { Section } from '~/components/Page'
import { Checks, Keys } from './Checks'
import { usePins } from './pins'

/** The log's signed head, checked here. */
export function HeadSection() {
  const query = useQuery(checkpoint)
  return (
    <Section title="The log’s head">
      <Load query={query} what="the log’s head">
        {(c) => <Head checkpoint={c} />}
      </Load>
    </Section>
  )
}

function Head({ checkpoint: c }: { checkpoint: Checkpoint }) {
  const [pinned, pin] = usePins()
  const checks = useQuery({
    queryKey: ['verify', 'checkpoint', c.note, c.key, c.root, c.size, pinned],
    queryFn: () => verifyCheckpoint(c, pinned),
    refetchInterval: false,
  })
  return (
    <>
      <Facts
        facts={[
          ['Log', c.origin],
          ['Entries', c.size.toLocaleString('en')],
          ['Root', <Digest key="root" value={rootText(c.root)} what="root" />],
        ]}
      />
      <Load query={checks} what="the check">
        {(found) => <Checks checks={found} />}
      </Load>
      <Keys checkpoint={c} pinned={pinned} pin={pin} />
    </>
  )
}

function rootText(root: string): string {
  try {
    return toHex(fromBase64(root))
  } catch {
    return root
  }
}
