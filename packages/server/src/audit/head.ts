// Signed tree heads: how long the log was at a time, and the root over all of it (RFC 9162 §4.9, as a line of JSON).
import { ascii, fromHex, Malformed, toHex, type UnixSeconds } from '@vicinity/protocol'
import { ecdsaVerify, equalBytes } from '@vicinity/protocol/crypto'
import { readLine } from './entry.ts'

export interface Head {
  /** Entries of the log. */
  readonly size: number
  readonly at: UnixSeconds
  readonly root: Uint8Array
  /** The public point that it is signed under, 65 bytes. */
  readonly key: Uint8Array
  /** ES256: r | s. */
  readonly signature: Uint8Array
}

/** Who has the private key of a log. */
export interface Signer {
  /** Its public point, 65 bytes. */
  readonly point: Uint8Array
  /** ES256: r | s. */
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** So that no signature of this key says anything but a head. */
const PURPOSE = 'vicinity audit head v1\n'

const unsignedText = ({ size, at, root, key }: Omit<Head, 'signature'>): string =>
  JSON.stringify({ size, at, root: toHex(root), key: toHex(key) })

const signedBytes = (head: Omit<Head, 'signature'>): Uint8Array => ascii(`${PURPOSE}${unsignedText(head)}`)

export function signHead({ point, sign }: Signer, size: number, root: Uint8Array, at: UnixSeconds): Head {
  const head = { size, at, root, key: point }
  return { ...head, signature: sign(signedBytes(head)) }
}

export const isSigned = (head: Head): boolean => ecdsaVerify(head.key, signedBytes(head), head.signature)

export const encodeHead = (head: Head): Uint8Array =>
  ascii(`${unsignedText(head).slice(0, -1)},"signature":"${toHex(head.signature)}"}`)

/** Throws `Malformed` for every line but the one that `encodeHead` writes. */
export function decodeHead(line: Uint8Array): Head {
  const { size, at, root, key, signature } = readLine(line)
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(at)) throw new Malformed('size', 'a whole number')
  const head = {
    size: size as number,
    at: at as UnixSeconds,
    root: fromHex(String(root), 'root'),
    key: fromHex(String(key), 'key'),
    signature: fromHex(String(signature), 'signature'),
  }
  if (!equalBytes(encodeHead(head), line)) throw new Malformed('line', 'the canonical form')
  return head
}
