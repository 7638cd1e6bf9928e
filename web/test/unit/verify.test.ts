import { describe, expect, test } from 'vitest'
import type { Decision } from '~/api/_schema.gen'
import { keysOf, verifyCheckpoint, verifyDecision } from '~/audit/verify'
import recorded from '../fixtures/decisions.json'

/** Decisions of a real log, as the API gives them (../../vectors_test.go writes them). */
const decisions = recorded as unknown as Decision[]
const broken = (at: number) => structuredClone(decisions[at]!)

async function failing(d: Decision, pinned = keysOf(decisions[0]!.proof.checkpoint)): Promise<string[]> {
  const checks = await verifyDecision(d, pinned)
  return checks.filter((c) => c.verdict !== 'pass').map((c) => c.name)
}

test.each(decisions.map((d) => [d.outcome, d] as const))(
  'a decision of the log passes every check: %s',
  async (_, d) => {
    expect(await failing(d)).toEqual([])
  },
)

test('keys that nobody has compared are never passed', async () => {
  const checks = await verifyDecision(decisions[0]!, undefined)
  expect(checks.at(-1)).toMatchObject({ verdict: 'not available' })
})

describe('what was tampered with is found', () => {
  const shown = 'This page shows what was signed'
  const tamperings: [string, (d: Decision) => void, string][] = [
    ['another outcome is shown', (d) => Object.assign(d, { outcome: 'allowed' }), shown],
    ['another environment is shown', (d) => Object.assign(d, { environment: 'dev' }), shown],
    ['another image is shown', (d) => Object.assign(d, { subject: decisions[2]!.subject }), shown],
    ['a failed gate is shown as passed', (d) => d.gates.map((g) => Object.assign(g, { verdict: 'pass' })), shown],
    ['a gate is left out', (d) => d.gates.splice(0, 1), shown],
    ['the entry of another place', (d) => Object.assign(d, { leaf: decisions[2]!.leaf }), 'It stands in the log'],
    ['another place in the log', (d) => Object.assign(d, { index: 3 }), 'It stands in the log'],
    ['a shorter proof', (d) => d.proof.hashes.pop(), 'It stands in the log'],
    ['a head of another size', (d) => Object.assign(d.proof, { size: 6 }), 'It stands in the log'],
    [
      'a head that was written anew',
      (d) => Object.assign(d.proof.checkpoint, { note: d.proof.checkpoint.note.replace('\n7\n', '\n8\n') }),
      'The log’s head is signed',
    ],
    ['a signer who is not named', (d) => Object.assign(d.proof.checkpoint, { keys: {} }), 'The decision is signed'],
  ]
  test.each(tamperings)('%s', async (_, tamper, name) => {
    const d = broken(1)
    tamper(d)
    expect(await failing(d)).toContain(name)
  })

  test('keys that are not the ones that were compared', async () => {
    const known = keysOf(decisions[0]!.proof.checkpoint)
    expect(await failing(decisions[0]!, { ...known, log: 'another' })).toEqual(['The keys are those you know'])
    expect(await failing(decisions[0]!, { ...known, signers: [] })).toEqual(['The keys are those you know'])
  })
})

test('a head of the log is checked by itself', async () => {
  const head = decisions[0]!.proof.checkpoint
  const verdicts = async (c: typeof head) => (await verifyCheckpoint(c, keysOf(head))).map((c) => c.verdict)
  expect(await verdicts(head)).toEqual(['pass', 'pass'])
  expect(await verdicts({ ...head, size: head.size + 1 })).toEqual(['fail', 'pass'])
})
