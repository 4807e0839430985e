// Bytes of the second implementation are lower-case hexadecimal text: concatenation is `+`, a field is a slice.
import { createCipheriv, createHash, createHmac } from 'node:crypto'

export type Hex = string

/** A number as so many big-endian bytes. */
export function hex(value: bigint | number, bytes: number): Hex {
  const digits = value.toString(16)
  if (value < 0 || digits.length > 2 * bytes) throw new RangeError(`${value} does not fit ${bytes} bytes`)
  return digits.padStart(2 * bytes, '0')
}

export const label = (text: string): Hex => Buffer.from(text, 'ascii').toString('hex')
export const number = (text: Hex): number => Number(`0x${text}`)
export const head = (text: Hex, bytes: number): Hex => text.slice(0, 2 * bytes)
export const lengthOf = (text: Hex): number => text.length / 2

/** Cuts a message into fields of the given lengths; undefined when the lengths do not add up. */
export function cut(text: Hex, ...lengths: readonly number[]): Hex[] | undefined {
  const fields: Hex[] = []
  let rest = text
  for (const bytes of lengths) {
    fields.push(rest.slice(0, 2 * bytes))
    rest = rest.slice(2 * bytes)
  }
  return rest === '' && fields.every((field, i) => field.length === 2 * lengths[i]!) ? fields : undefined
}

export const flipBit = (text: Hex, bit: number): Hex => {
  const flipped = BigInt(`0x01${text}`) ^ (1n << BigInt(4 * text.length - 1 - bit))
  return flipped.toString(16).slice(1).padStart(text.length, '0')
}

const raw = (text: Hex): Buffer => Buffer.from(text, 'hex')

export const sha256 = (message: Hex): Hex => createHash('sha256').update(raw(message)).digest('hex')
export const hmac = (key: Hex, message: Hex): Hex => createHmac('sha256', raw(key)).update(raw(message)).digest('hex')

/** One block of AES, with no mode. The length of the key chooses AES-128 or AES-256. */
export function aesBlock(key: Hex, block: Hex): Hex {
  const cipher = createCipheriv(`aes-${8 * lengthOf(key)}-ecb`, raw(key), null).setAutoPadding(false)
  return cipher.update(block, 'hex', 'hex') + cipher.final('hex')
}

/** AES-256-GCM without additional data: IV 12 | ciphertext | tag 16. */
export function sealGcm(key: Hex, iv: Hex, plaintext: Hex): Hex {
  const cipher = createCipheriv('aes-256-gcm', raw(key), raw(iv))
  const text = cipher.update(plaintext, 'hex', 'hex') + cipher.final('hex')
  return iv + text + cipher.getAuthTag().toString('hex')
}
