import type { Checkpoint, Decision } from '~/api/_schema.gen'
import { fromBase64, same, toHex } from './bytes'
import { compareStatement } from './compare'
import { type Envelope, parseEnvelope, signerOf } from './envelope'
import { leafHash, rootOf } from './merkle'
import { openCheckpoint } from './note'

/** What came of one check. What could not be checked is not passed. */
export interface Check {
  name: string
  verdict: 'pass' | 'fail' | 'not available'
  reason: string
}

/** The keys that somebody has compared with ones from elsewhere. */
export interface Pinned {
  /** The log's verifier key. */
  log: string
  /** Public keys of envelopes, in PEM. */
  signers: string[]
}

/** The keys that the server names, as they are pinned. */
export function keysOf(checkpoint: Checkpoint): Pinned {
  return {
    log: checkpoint.key.trim(),
    signers: Object.values(checkpoint.keys ?? {})
      .map((k) => k.trim())
      .sort(),
  }
}

/**
 * Checks a decision by what came with it: that it stands in the log, that the log's head is signed, that the decision
 * itself is, and that what is shown is what was signed. It asks nobody; pinned are the keys that are known already.
 */
export async function verifyDecision(d: Decision, pinned: Pinned | undefined): Promise<Check[]> {
  if (!globalThis.crypto?.subtle)
    return [unable('This browser offers no cryptography to pages that came without HTTPS.')]
  const { proof } = d
  const envelope = await check('The log’s entry is this decision', () => entryIsEnvelope(d))
  return [
    envelope,
    await check('It stands in the log', () => isIncluded(d)),
    await check('The log’s head is signed', async () => {
      const head = await openCheckpoint(proof.checkpoint.note, proof.checkpoint.key)
      return `${head.origin} signed for ${head.size} entries.`
    }),
    await check('The decision is signed', () => isSigned(d)),
    await check('This page shows what was signed', () => showsStatement(d)),
    checkKeys(keysOf(proof.checkpoint), pinned),
  ]
}

/** Checks the log's head alone. */
export async function verifyCheckpoint(c: Checkpoint, pinned: Pinned | undefined): Promise<Check[]> {
  if (!globalThis.crypto?.subtle)
    return [unable('This browser offers no cryptography to pages that came without HTTPS.')]
  const signed = await check('The log’s head is signed', async () => {
    const head = await openCheckpoint(c.note, c.key)
    if (head.size !== c.size || !same(head.root, fromBase64(c.root)))
      throw new Error('what was signed is not what is shown')
    return `${head.origin} signed for ${head.size} entries.`
  })
  return [signed, checkKeys(keysOf(c), pinned)]
}

function unable(reason: string): Check {
  return { name: 'Verification', verdict: 'not available', reason }
}

async function check(name: string, run: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, verdict: 'pass', reason: await run() }
  } catch (cause) {
    // What a browser says of an algorithm that it does not have; nothing was found wrong then.
    if (cause instanceof DOMException && cause.name === 'NotSupportedError') {
      return { name, verdict: 'not available', reason: 'This browser cannot check such signatures.' }
    }
    return { name, verdict: 'fail', reason: cause instanceof Error ? cause.message : String(cause) }
  }
}

function entryOf(d: Decision): Envelope {
  return parseEnvelope(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64(d.leaf)))
}

function entryIsEnvelope(d: Decision): string {
  const entry = entryOf(d)
  const given = parseEnvelope(JSON.stringify(d.envelope))
  const text = (e: Envelope) =>
    JSON.stringify([e.payloadType, e.payload, e.signatures.map((s) => [s.keyid ?? '', s.sig])])
  if (text(entry) !== text(given)) throw new Error('the envelope that is shown is another one than the log’s')
  return 'The envelope is the entry, byte by byte.'
}

async function isIncluded({ index, leaf, proof }: Decision): Promise<string> {
  const head = await openCheckpoint(proof.checkpoint.note, proof.checkpoint.key)
  if (proof.index !== index) throw new Error(`the proof is for entry ${proof.index}`)
  if (proof.size !== head.size)
    throw new Error(`the proof is for a log of ${proof.size} entries, and the head of ${head.size}`)
  const hash = await leafHash(fromBase64(leaf))
  const root = await rootOf(hash, index, proof.size, proof.hashes.map(fromBase64))
  if (!same(root, head.root))
    throw new Error(`the proof leads to the root ${toHex(root)}, and the head has ${toHex(head.root)}`)
  return `Entry ${index} of ${head.size}; its proof of ${proof.hashes.length} hashes leads to the signed root.`
}

async function isSigned(d: Decision): Promise<string> {
  const id = await signerOf(entryOf(d), d.proof.checkpoint.keys ?? {})
  return `By the key ${id}.`
}

function showsStatement(d: Decision): string {
  const body = new TextDecoder('utf-8', { fatal: true }).decode(fromBase64(entryOf(d).payload))
  const differences = compareStatement(JSON.parse(body), d)
  if (differences.length > 0) throw new Error(`these differ: ${differences.join(', ')}`)
  return 'Image, outcome, time, policy and gates are those of the signed statement.'
}

function checkKeys(given: Pinned, pinned: Pinned | undefined): Check {
  const name = 'The keys are those you know'
  if (!pinned) {
    return {
      name,
      verdict: 'not available',
      reason: 'This browser has not seen them before. Compare them with the ones you have from elsewhere.',
    }
  }
  if (pinned.log !== given.log)
    return { name, verdict: 'fail', reason: 'The log’s key is not the one that you compared before.' }
  const unknown = given.signers.filter((s) => !pinned.signers.includes(s))
  if (unknown.length > 0)
    return { name, verdict: 'fail', reason: 'There are keys for decisions that you have not compared.' }
  return { name, verdict: 'pass', reason: 'They are the ones that you compared before, in this browser.' }
}
