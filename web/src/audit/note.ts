import { type Bytes, concat, fromBase64, same, sha256, utf8 } from './bytes'

/** Signed checkpoints of a log: C2SP tlog-checkpoint in C2SP signed-note. */

export interface SignedHead {
  origin: string
  size: number
  root: Bytes
}

/** The algorithm's number in keys of signed notes. */
const ed25519 = 1

interface VerifierKey {
  name: string
  hash: Bytes
  key: Bytes
}

/** Reads a verifier key, "NAME+HASH+KEY". */
export async function parseVerifierKey(text: string): Promise<VerifierKey> {
  const [name, hex, ...rest] = text.trim().split('+')
  const encoded = rest.join('+') // base64 has that sign too
  if (!name || !hex || !encoded) throw new Error('the key is not of the form NAME+HASH+KEY')
  const bytes = fromBase64(encoded)
  if (bytes[0] !== ed25519 || bytes.length !== 33) throw new Error('the key is no Ed25519 key')
  const hash = (await sha256(utf8(`${name}\n`), bytes)).slice(0, 4)
  if (Array.from(hash, (b) => b.toString(16).padStart(2, '0')).join('') !== hex)
    throw new Error('the hash in the key is not that of the key')
  return { name, hash, key: bytes.slice(1) }
}

/** Checks that a note bears the signature of a key, and reads the checkpoint in it. It fails with the reason why not. */
export async function openCheckpoint(note: string, verifierKey: string): Promise<SignedHead> {
  const key = await parseVerifierKey(verifierKey)
  const split = note.lastIndexOf('\n\n')
  if (split < 0) throw new Error('the note has no signatures')
  const text = note.slice(0, split + 1)
  const head = parseCheckpoint(text)
  if (head.origin !== key.name)
    throw new Error(`the checkpoint is of the log ${head.origin}, and the key of ${key.name}`)
  const signatures = note
    .slice(split + 2)
    .split('\n')
    .map((line) => /^— (\S+) (\S+)$/.exec(line))
    .filter((m) => m?.[1] === key.name)
    .map((m) => fromBase64(m?.[2] ?? ''))
    .filter((bytes) => same(bytes.slice(0, 4), key.hash))
  if (signatures.length === 0) throw new Error('the key has not signed it')
  const imported = await crypto.subtle.importKey('raw', key.key, 'Ed25519', false, ['verify'])
  for (const bytes of signatures) {
    if (await crypto.subtle.verify('Ed25519', imported, bytes.slice(4), utf8(text))) return head
  }
  throw new Error('the signature does not fit')
}

function parseCheckpoint(text: string): SignedHead {
  const [origin, size, root] = text.split('\n')
  if (!origin || !/^(0|[1-9][0-9]{0,15})$/.test(size ?? '') || !root) throw new Error('the note holds no checkpoint')
  const bytes = fromBase64(root)
  if (bytes.length !== 32) throw new Error(`the root in it has ${bytes.length} bytes, not 32`)
  return { origin, size: Number(size), root: concat(bytes) }
}
