import { type Bytes, sha256 } from './bytes'

/** Merkle trees as transparency logs have them (RFC 9162, section 2.1, which is that of RFC 6962). */

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

export function leafHash(entry: Bytes): Promise<Bytes> {
  return sha256(leafPrefix, entry)
}

/**
 * Computes the root that an inclusion proof leads to (RFC 9162, section 2.1.3.2). It fails where the proof has not the
 * length that the tree's size asks for.
 */
export async function rootOf(leaf: Bytes, index: number, size: number, proof: Bytes[]): Promise<Bytes> {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    throw new Error(`entry ${index} cannot stand in a log of ${size} entries`)
  }
  // Halving, not shifting: shifts of JavaScript's numbers end at 32 bits.
  let at = index
  let last = size - 1
  let hash = leaf
  const up = () => {
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  for (const sibling of proof) {
    if (last === 0) throw new Error('the proof is too long')
    if (at % 2 === 1 || at === last) {
      hash = await sha256(nodePrefix, sibling, hash)
      while (at % 2 === 0 && at !== 0) up()
    } else {
      hash = await sha256(nodePrefix, hash, sibling)
    }
    up()
  }
  if (last !== 0) throw new Error('the proof is too short')
  return hash
}
