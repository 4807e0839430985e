// The statistics of `npm run test:timing`, on samples of which it is known whether they differ.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALIKE, DIFFERENT, joined, median, welch, worstT } from './welch.ts'

/** Times around 100 with a long tail to the right, as those of calls are; the same for the same seed. */
function times(count: number, seed: number, shift = 0): Float64Array {
  let state = seed
  const draw = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state + 1) / 2 ** 32
  }
  return Float64Array.from({ length: count }, () => 100 + shift + 5 * draw() + 5 * draw() - 20 * Math.log(draw()))
}

test("Welch's t: known samples", () => {
  const [a, b] = [Float64Array.of(1, 2, 3, 4, 5), Float64Array.of(2, 4, 6, 8, 10)]
  assert.ok(Math.abs(welch(a, b) + 3 / Math.sqrt(2.5 / 5 + 10 / 5)) < 1e-12)
  assert.equal(welch(a, b), -welch(b, a))
  assert.equal(welch(Float64Array.of(1), b), 0)
  assert.equal(median(a), 3)
})

test('samples of one distribution are alike, whichever is cropped', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const t = worstT(times(5000, seed), times(5000, seed + 1000))
    assert.ok(Math.abs(t) < ALIKE, `seed ${seed}: ${t}`)
  }
})

test('a shift of 6 in a spread of 20 is found, and its sign', () => {
  for (let seed = 1; seed <= 5; seed++) {
    assert.ok(worstT(times(5000, seed, 6), times(5000, seed + 1000)) > DIFFERENT)
    assert.ok(worstT(times(5000, seed), joined([times(5000, seed + 1000, 6)])) < -DIFFERENT)
  }
})
