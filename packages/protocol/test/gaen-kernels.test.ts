// The kernels of matching against node:crypto, called as the specification reads (test/oracle/matching.ts).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, toHex } from '../src/bytes.ts'
import { identifierKeys } from '../src/kernels/hkdf.ts'
import { eachPass, filterWords, KEYS_AT_ONCE, wordOf } from '../src/kernels/rpi.ts'
import { randomOf, readVectors } from './fixture.ts'
import { identifierKeyOf, identifierOf } from './oracle/matching.ts'

const row = (rows: Uint8Array, k: number) => rows.subarray(16 * k, 16 * (k + 1))
const from = (first: number, count: number) => Uint32Array.from({ length: count }, (_, n) => first + n)

function expectIdentifierKeys(keys: Uint8Array): void {
  const derived = identifierKeys(keys)
  assert.equal(derived.length, keys.length)
  for (let k = 0; k < keys.length / 16; k++)
    assert.deepEqual(row(derived, k), identifierKeyOf(row(keys, k)), `key ${k}`)
}

test('HKDF of temporary exposure keys: five thousand random ones as node:crypto has them', () => {
  expectIdentifierKeys(randomOf('temporary exposure keys')(16 * 5000))
})

test('HKDF of temporary exposure keys: every count around the four of a group and the 1,024 of a call, and extreme bytes', () => {
  const random = randomOf('counts of keys')
  for (const count of [0, 1, 2, 3, 4, 5, 7, 8, 9, 1023, 1024, 1025, 2049]) expectIdentifierKeys(random(16 * count))
  for (const byte of [0, 0x36, 0x5c, 0x80, 0xff]) expectIdentifierKeys(new Uint8Array(16 * 5).fill(byte))
  assert.throws(() => identifierKeys(new Uint8Array(17)), RangeError)
})

/** The words of keys by interval, as node:crypto has them: row k at k times the number of intervals. */
function wordsOf(keys: Uint8Array, intervals: Uint32Array): Uint32Array {
  const words = new Uint32Array((keys.length / 16) * intervals.length)
  for (let k = 0; k < keys.length / 16; k++) {
    intervals.forEach((interval, n) => {
      words[k * intervals.length + n] = wordOf(identifierOf(row(keys, k), interval), 0)
    })
  }
  return words
}

/** Every word of these keys is in the filter, so every one must come back, once and as it is. */
function expectWords(keys: Uint8Array, intervals: Uint32Array): void {
  const expected = wordsOf(keys, intervals)
  filterWords(expected)
  const found = new Map<number, number>()
  eachPass(keys, intervals, (key, n, word) => {
    assert.ok(!found.has(key * intervals.length + n))
    found.set(key * intervals.length + n, word)
  })
  assert.equal(found.size, expected.length)
  expected.forEach((word, at) => void assert.equal(found.get(at), word, `word ${at}`))
}

test('identifiers of 128 random keys: the words of all 144 intervals, 18,432 at once', () => {
  expectWords(randomOf('128 keys')(16 * KEYS_AT_ONCE), from(2_642_976, 144))
})

test('identifiers: any number of keys up to 128, and none', () => {
  const random = randomOf('fewer keys')
  for (const count of [0, 1, 2, 31, 32, 33, 100, 127]) expectWords(random(16 * count), from(2_642_976, 3))
  expectWords(random(16 * 3), new Uint32Array(0))
})

test('identifiers: where the second, third and fourth byte of the counter change, at both ends of it, and with gaps', () => {
  const random = randomOf('counters')
  for (const first of [0, 256 - 70, 0x10000 - 70, 0x1000000 - 70, 2 ** 32 - 140]) {
    expectWords(random(16 * 5), from(first, 140))
  }
  expectWords(random(16 * 5), Uint32Array.of(0, 255, 256, 0x100ff, 0x10100, 0xff00ff, 3, 2, 1, 2 ** 32 - 1, 2 ** 31))
})

test('identifiers: the published vector comes out of the kernels', () => {
  type Vector = {
    readonly tek: string
    readonly rpik: string
    readonly intervals: readonly { readonly enin: number; readonly rpi: string }[]
  }
  const { vectors } = readVectors('gaen.json') as { readonly vectors: readonly Vector[] }
  for (const { tek, rpik, intervals } of vectors) {
    const keys = identifierKeys(fromHex(tek))
    assert.equal(toHex(keys), rpik)
    const words = Uint32Array.from(intervals, ({ rpi }) => wordOf(fromHex(rpi), 0))
    filterWords(words)
    const found = new Uint32Array(words.length)
    eachPass(
      keys,
      Uint32Array.from(intervals, ({ enin }) => enin),
      (_, n, word) => {
        found[n] = word
      },
    )
    assert.deepEqual(found, words)
  }
})

test('the filter: of words that were never heard at most one in a hundred passes, up to ten thousand words', () => {
  const random = randomOf('words that were heard')
  const keys = random(16 * KEYS_AT_ONCE)
  const intervals = from(2_642_976, 144)
  for (const count of [1, 100, 1000, 10_000]) {
    filterWords(new Uint32Array(random(4 * count).slice().buffer))
    let passed = 0
    eachPass(keys, intervals, () => {
      passed++
    })
    assert.ok(passed <= 184, `${passed} of 18,432 with ${count} words`)
  }
})

test('the filter: a flood of words lets everything pass, and everything that passes arrives', () => {
  const keys = randomOf('flood')(16 * KEYS_AT_ONCE)
  const everything = Uint32Array.from({ length: 2 ** 18 }, (_, n) => Math.imul(n, 0x40001))
  filterWords(everything)
  let passed = 0
  eachPass(keys, from(2_642_976, 144), () => {
    passed++
  })
  assert.equal(passed, 18_432)
})
