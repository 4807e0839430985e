// Shares of a key: m of n give it back, and m - 1 say nothing of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawBelow, type Random } from '@vicinity/protocol'
import { combineShares, multiply, type Share, splitSecret } from '../src/keys/shares.ts'
import { randomOf } from './fixture.ts'

const subset = <Value>(values: readonly Value[], size: number, random: Random): Value[] => {
  const left = [...values]
  return Array.from({ length: size }, () => left.splice(drawBelow(random, left.length), 1)[0]!)
}

test('the field of the shares is one: 255 powers of 3, inverses, and a product that distributes', () => {
  const powers = new Set<number>()
  for (let k = 0, power = 1; k < 255; k++, power = multiply(power, 3)) powers.add(power)
  assert.equal(powers.size, 255)
  assert.equal(multiply(0x57, 0x83), 0xc1) // FIPS 197 §4.2
  for (let a = 0; a < 256; a++)
    for (let b = 0; b < 256; b += 7) {
      assert.equal(multiply(a, b), multiply(b, a))
      assert.equal(multiply(a, b ^ 0x1d), multiply(a, b) ^ multiply(a, 0x1d))
    }
})

test('any m of n shares give the secret, in any order and also more than m', () => {
  const random = randomOf('shares')
  for (let run = 0; run < 300; run++) {
    const count = 2 + drawBelow(random, 8)
    const needed = 2 + drawBelow(random, count - 1)
    const secret = random(32)
    const shares = splitSecret(secret, needed, count, random)
    const given = subset(shares, needed + drawBelow(random, count - needed + 1), random)
    assert.deepEqual([...combineShares(given)], [...secret], `run ${run}: ${needed} of ${count}`)
  }
})

test('m - 1 shares are consistent with every secret: each is one polynomial away', () => {
  const random = randomOf('too few')
  for (const [needed, count] of [
    [2, 3],
    [3, 5],
    [4, 6],
  ] as const) {
    const secret = random(1)
    const few = subset(splitSecret(secret, needed, count, random), needed - 1, random)
    // A share at a place that nobody has, of any value, gives a secret; over all its values every secret comes once.
    const secrets = Array.from(
      { length: 256 },
      (_, value) => combineShares([...few, { x: 200, y: Uint8Array.of(value) }])[0],
    )
    assert.equal(new Set(secrets).size, 256)
  }
})

test('a single share has the same distribution whatever the secret is', () => {
  const counts = [new Map<number, number>(), new Map<number, number>()]
  for (const [which, byte] of [0x00, 0xff].entries())
    for (let coefficient = 0; coefficient < 256; coefficient++) {
      const [share] = splitSecret(Uint8Array.of(byte), 2, 2, () => Uint8Array.of(coefficient)) as readonly Share[]
      counts[which]!.set(share!.y[0]!, (counts[which]!.get(share!.y[0]!) ?? 0) + 1)
    }
  for (const seen of counts) assert.deepEqual([...seen.values()], new Array(256).fill(1))
})

test('too few shares and shares of two secrets give something else', () => {
  const random = randomOf('others')
  const [secret, other] = [random(32), random(32)]
  const shares = splitSecret(secret, 3, 5, random)
  assert.notDeepEqual(combineShares(shares.slice(0, 2)), secret)
  assert.notDeepEqual(combineShares([...shares.slice(0, 2), splitSecret(other, 3, 5, random)[2]!]), secret)
  assert.throws(() => combineShares([shares[0]!, shares[0]!]), /twice/)
  for (const [needed, count] of [
    [1, 3],
    [4, 3],
    [2, 256],
  ] as const)
    assert.throws(() => splitSecret(secret, needed, count, random), /broken promise/)
})
