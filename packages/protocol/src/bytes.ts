import { assert, Malformed } from './outcome.ts'

/** Random bytes, given in by the host; equal seeds give equal runs. */
export type Random = (length: number) => Uint8Array

/** A uniform integer from 0 to below `n`; the bias of 48 bits is below 2^-20 for every n used. */
export const drawBelow = (random: Random, n: number): number => Math.floor((readUint(random(6), 0, 6) / 2 ** 48) * n)

/** Without a loop, because batches spend their time here. Bit operators are signed and 32 bits wide: they join three bytes at most. */
const joined = (bytes: Uint8Array, offset: number, length: number): number =>
  length === 3
    ? (bytes[offset]! << 16) | (bytes[offset + 1]! << 8) | bytes[offset + 2]!
    : length === 2
      ? (bytes[offset]! << 8) | bytes[offset + 1]!
      : bytes[offset]!

/** Reads a big-endian unsigned number of 1 to 6 bytes. */
export function readUint(bytes: Uint8Array, offset: number, length: number): number {
  if (length <= 3) return joined(bytes, offset, length)
  return joined(bytes, offset, length - 3) * 0x1000000 + joined(bytes, offset + length - 3, 3)
}

/** Writes a big-endian unsigned number of 1 to 6 bytes. */
export function writeUint(bytes: Uint8Array, offset: number, length: number, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0 && value < 256 ** length)) {
    assert(false, `a number fits ${length} bytes`)
  }
  let rest = value
  for (let i = length - 1; i >= 0; i--) {
    bytes[offset + i] = rest
    rest = Math.floor(rest / 256)
  }
}

/** Writes the fields of a message of known length, in order; what is not written stays zero. */
export class Writer {
  readonly bytes: Uint8Array
  #offset = 0
  constructor(length: number) {
    this.bytes = new Uint8Array(length)
  }
  uint(length: number, value: number): this {
    writeUint(this.bytes, this.#offset, length, value)
    this.#offset += length
    return this
  }
  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#offset)
    this.#offset += bytes.length
    return this
  }
}

/** Reads the fields of a message of known length, in order. `take` gives views, not copies. */
export class Reader {
  readonly #bytes: Uint8Array
  #offset = 0
  constructor(bytes: Uint8Array, length: number, field: string) {
    if (bytes.length !== length) throw new Malformed(field, `${length} bytes, got ${bytes.length}`)
    this.#bytes = bytes
  }
  uint(length: number): number {
    this.#offset += length
    return readUint(this.#bytes, this.#offset - length, length)
  }
  take(length: number): Uint8Array {
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }
}

/** The bytes of an array, to be read and written as numbers of other widths. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

const encoder = new TextEncoder()
/** A label of a specification as bytes (ASCII). */
export const ascii = (text: string): Uint8Array => encoder.encode(text)

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

export function fromHex(text: string, field = 'hex'): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new Malformed(field, 'pairs of hexadecimal digits')
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const SIXTETS = new Int8Array(128).fill(-1)
for (let i = 0; i < 64; i++) SIXTETS[ALPHABET.charCodeAt(i)] = i

/** RFC 4648 §5 without padding: the form of every byte string on the wire. */
export function toBase64url(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text +=
      ALPHABET[three >> 18]! + ALPHABET[(three >> 12) & 63]! + ALPHABET[(three >> 6) & 63]! + ALPHABET[three & 63]!
  }
  const over = bytes.length % 3
  return over === 0 ? text : text.slice(0, over - 3)
}

/** Accepts only the canonical form: no padding, no white space, unused bits zero. */
export function fromBase64url(text: string, field = 'base64url'): Uint8Array {
  const over = text.length % 4
  if (over === 1) throw new Malformed(field, 'unpadded base64url')
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let held = 0
  let bits = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const sixtet = SIXTETS[text.charCodeAt(i)] ?? -1
    if (sixtet < 0) throw new Malformed(field, 'unpadded base64url')
    held = ((held << 6) | sixtet) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = held >> bits
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new Malformed(field, 'canonical base64url')
  return bytes
}
