import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { concat, fromHex } from '@vicinity/protocol'
import { UsageError } from './usage.ts'

/** The point of a public key in PEM, 65 bytes. */
export function readPublicKey(path: string): Uint8Array {
  const pem = readFileSync(path)
  try {
    const { crv, x, y } = createPublicKey(pem).export({ format: 'jwk' })
    if (crv === 'P-256') return concat(Uint8Array.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url'))
  } catch {
    // No key at all, which is told as any other than the one wanted.
  }
  throw new UsageError(`${path} must hold a public key on P-256 in PEM`)
}

/** A file of PEM, or the point itself in hexadecimal digits. */
export const readPoint = (text: string): Uint8Array =>
  /^04[0-9a-f]{128}$/i.test(text) ? fromHex(text.toLowerCase(), 'key') : readPublicKey(text)
