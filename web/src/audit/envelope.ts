import { type Bytes, concat, fromBase64, utf8 } from './bytes'

/** Signed statements: DSSE envelopes (the DSSE specification, version 1.0) signed by ECDSA on P-256 with SHA-256. */

export interface Envelope {
  payloadType: string
  payload: string
  signatures: { keyid?: string; sig: string }[]
}

export function parseEnvelope(text: string): Envelope {
  const value = JSON.parse(text) as Partial<Envelope>
  if (typeof value.payload !== 'string' || typeof value.payloadType !== 'string' || !Array.isArray(value.signatures)) {
    throw new Error('it is no DSSE envelope')
  }
  return value as Envelope
}

/** The bytes that are signed: the pre-authentication encoding of the DSSE protocol. */
export function signedBytes({ payloadType, payload }: Envelope): Bytes {
  const body = fromBase64(payload)
  const type = utf8(payloadType)
  return concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${body.length} `), body)
}

/** Gives the ID of a key that has signed the envelope. It fails where none of the keys (in PEM, by ID) has. */
export async function signerOf(envelope: Envelope, keys: Record<string, string>): Promise<string> {
  const message = signedBytes(envelope)
  let reason = 'it has no signature'
  for (const { keyid = '', sig } of envelope.signatures) {
    const candidates = keyid ? [keyid] : Object.keys(keys)
    for (const id of candidates) {
      const pem = keys[id]
      if (!pem) {
        reason = `the key ${id} is not among the server's`
        continue
      }
      const key = await crypto.subtle.importKey('spki', fromPem(pem), { name: 'ECDSA', namedCurve: 'P-256' }, false, [
        'verify',
      ])
      const signature = fromDer(fromBase64(sig))
      if (await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, message)) return id
      reason = `the signature of the key ${id} does not fit`
    }
  }
  throw new Error(reason)
}

function fromPem(pem: string): Bytes {
  const match = /-----BEGIN PUBLIC KEY-----([\s\S]+?)-----END PUBLIC KEY-----/.exec(pem)
  if (!match?.[1]) throw new Error('the key is not in PEM')
  return fromBase64(match[1])
}

/** Turns an ASN.1 signature (RFC 3279, section 2.2.3) into the two numbers side by side that WebCrypto wants. */
export function fromDer(der: Bytes): Bytes {
  const bad = new Error('the signature is not in ASN.1')
  const number = (at: number): { value: Bytes; next: number } => {
    const length = der[at + 1] ?? 0
    if (der[at] !== 0x02 || length === 0 || length > 33 || at + 2 + length > der.length) throw bad
    const bytes = der.slice(at + 2, at + 2 + length)
    const digits = bytes[0] === 0 ? bytes.slice(1) : bytes
    if (digits.length > 32) throw bad
    return { value: concat(new Uint8Array(32 - digits.length), digits), next: at + 2 + length }
  }
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw bad
  const r = number(2)
  const s = number(r.next)
  if (s.next !== der.length) throw bad
  return concat(r.value, s.value)
}
