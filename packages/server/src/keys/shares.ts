// A secret in n shares of which any m give it back, and fewer say nothing of it (Shamir, 1979): for each byte a polynomial of degree
// m - 1 over GF(2^8), whose value at 0 is the byte.
import type { Random } from '@vicinity/protocol'
import { assert } from '@vicinity/protocol'

export interface Share {
  /** 1 to 255: where the polynomials are read. */
  readonly x: number
  readonly y: Uint8Array
}

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1: eight steps for any values, no table that a cache would tell about. */
export function multiply(a: number, b: number): number {
  let product = 0
  let [left, right] = [a, b]
  for (let k = 0; k < 8; k++) {
    product ^= left & -(right & 1)
    left = ((left << 1) ^ (0x11b & -(left >> 7))) & 0xff
    right >>= 1
  }
  return product
}

/** a^254, which is 1 / a for all but 0. */
function inverse(a: number): number {
  let power = 1
  for (let k = 0; k < 254; k++) power = multiply(power, a)
  return power
}

/** Splits a secret into `count` shares of which `needed` are needed. */
export function splitSecret(secret: Uint8Array, needed: number, count: number, random: Random): readonly Share[] {
  assert(needed >= 2 && needed <= count && count <= 255, 'two shares or more are needed, and as many are made')
  const higher = Array.from({ length: needed - 1 }, () => random(secret.length))
  const shares = Array.from({ length: count }, (_, k) => {
    const x = k + 1
    const y = secret.map((byte, at) => {
      let value = 0
      for (let degree = needed - 2; degree >= 0; degree--) value = multiply(value, x) ^ higher[degree]![at]!
      return multiply(value, x) ^ byte
    })
    return { x, y }
  })
  for (const coefficients of higher) coefficients.fill(0)
  return shares
}

/** What shares of different x give together: the secret, where they are of one and as many as it needs; else other bytes. */
export function combineShares(shares: readonly Share[]): Uint8Array {
  assert(new Set(shares.map(({ x }) => x)).size === shares.length, 'no share is given twice')
  const secret = new Uint8Array(shares[0]?.y.length ?? 0)
  for (const { x, y } of shares) {
    let weight = 1
    for (const other of shares) if (other.x !== x) weight = multiply(weight, multiply(other.x, inverse(other.x ^ x)))
    for (const [at, byte] of y.entries()) secret[at]! ^= multiply(weight, byte)
  }
  return secret
}
