import { createCipheriv, createHash } from 'node:crypto'
import type { Random } from '@vicinity/protocol'

const CHUNK = 4096

/** An endless stream of bytes that depends on the seed and the name only: AES-256-CTR over zeros. */
export function randomStream(seed: number, name: string): Random {
  const key = createHash('sha256').update(`vicinity lab ${seed} ${name}`).digest()
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
  const zeros = new Uint8Array(CHUNK)
  let held = new Uint8Array(0)
  return (length) => {
    if (length > CHUNK) return new Uint8Array(cipher.update(new Uint8Array(length)))
    if (held.length < length) held = new Uint8Array(cipher.update(zeros))
    const drawn = held.slice(0, length)
    held = held.subarray(length)
    return drawn
  }
}

/** A number from 0 to below 1. */
export function drawFraction(random: Random): number {
  const bytes = random(4)
  return (bytes[0]! * 2 ** 24 + bytes[1]! * 2 ** 16 + bytes[2]! * 2 ** 8 + bytes[3]!) / 2 ** 32
}
