// The inflater against that of Node: equal on everything that deflaters make, and a refusal where that refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { concat, type Random } from '../src/bytes.ts'
import { sourceOf } from '../src/gaen/archive-reader.ts'
import { inflate } from '../src/gaen/inflate.ts'
import { Malformed } from '../src/outcome.ts'
import { holds, randomOf } from './fixture.ts'

const MOST = 1 << 20

function inflated(packed: Uint8Array, most = MOST): Uint8Array {
  const pieces: Uint8Array[] = []
  inflate(sourceOf(packed), 0, packed.length, most, (piece) => pieces.push(piece.slice()))
  return concat(...pieces)
}

const refuses = (packed: Uint8Array, what: string, most = MOST): void =>
  assert.throws(
    () => inflated(packed, most),
    (error) => error instanceof Malformed && /inflate|announced/.test(error.message),
    what,
  )

const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FIXED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FILTERED,
]

test('inflate: what Node deflates, at every level and with every strategy, comes out again', () => {
  const repetitive = fc
    .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 400 })), { maxLength: 8 })
    .map((parts) => concat(...parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))
  holds(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 2000 }), repetitive),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom(...STRATEGIES),
      (data, level, strategy) => {
        const packed = deflateRawSync(data, { level, strategy })
        assert.deepEqual(inflated(packed), data)
        for (const length of [0, 1, packed.length >> 1, packed.length - 1])
          refuses(packed.subarray(0, length), 'cut off')
        refuses(concat(packed, new Uint8Array(1)), 'a byte more')
        if (data.length > 0) refuses(packed, 'more than announced', data.length - 1)
      },
    ),
  )
})

/** Bytes of which some are rare, so that their codes are long. */
function skewed(random: Random, length: number): Uint8Array {
  return random(length).map((byte, k) => (byte < 250 ? (byte < 128 ? 0 : byte < 192 ? 1 : 2) : k % 256))
}

test('inflate: windows, long codes and copies across them', () => {
  const random = randomOf('inflate')
  const noise = random(40_000)
  const cases = [
    concat(noise, noise.subarray(0, 30_000), new Uint8Array(100_000), noise.subarray(8000)),
    skewed(random, 200_000),
    new Uint8Array(300_000).fill(7),
    random(70_000),
  ]
  for (const data of cases) {
    for (const level of [0, 1, 6, 9]) assert.deepEqual(inflated(deflateRawSync(data, { level })), data)
  }
})

/** Writes bits, the first of a byte lowest. */
class Bits {
  readonly #bits: number[] = []
  /** A number, from its lowest bit on. */
  number(value: number, bits: number): this {
    for (let k = 0; k < bits; k++) this.#bits.push((value >> k) & 1)
    return this
  }
  /** A code, from its highest bit on. */
  code(value: number, bits: number): this {
    for (let k = bits - 1; k >= 0; k--) this.#bits.push((value >> k) & 1)
    return this
  }
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8))
    for (const [k, bit] of this.#bits.entries()) bytes[k >> 3]! |= bit << (k & 7)
    return bytes
  }
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** The head of a block with codes of its own; `lengths` are of the code of lengths, by symbol. */
function head(bits: Bits, literals: number, distances: number, lengths: Readonly<Record<number, number>>): Bits {
  bits
    .number(1, 1)
    .number(2, 2)
    .number(literals - 257, 5)
    .number(distances - 1, 5)
    .number(15, 4)
  for (const symbol of ORDER) bits.number(lengths[symbol] ?? 0, 3)
  return bits
}

/** 1: code 0; 0: code 10; 18: code 11. */
const SIMPLE = { 1: 1, 18: 2, 0: 2 }
const SOME_ONE = [0, 1] as const
const zeros = (bits: Bits, count: number): Bits => bits.code(3, 2).number(count - 11, 7)

/** A block with these literals of one bit, the end of the block among them, and these distances of one bit. */
function oneBitBlock(distances: readonly number[]): Bits {
  const bits = head(new Bits(), 257, 2, SIMPLE)
  zeros(zeros(bits.code(...SOME_ONE), 138), 117).code(...SOME_ONE)
  for (const distance of distances) distance === 1 ? bits.code(...SOME_ONE) : bits.code(2, 2)
  return bits
}

test('inflate: a block may have no distances, or one of one bit', () => {
  const literal = 0
  const end = 1
  for (const distances of [
    [0, 0],
    [1, 0],
  ]) {
    const packed = oneBitBlock(distances).code(literal, 1).code(literal, 1).code(end, 1).bytes
    assert.deepEqual(inflated(packed), new Uint8Array(2))
    assert.deepEqual(new Uint8Array(inflateRawSync(packed)), new Uint8Array(2))
  }
})

/** Literals 0 and 256 and length 257 of 1, 2 and 2 bits; one distance of one bit. */
const withCopies = (): Bits => {
  const bits = head(new Bits(), 258, 1, { 1: 2, 2: 2, 18: 1 })
  bits.code(2, 2).code(0, 1).number(127, 7).code(0, 1).number(106, 7)
  return bits.code(3, 2).code(3, 2).code(2, 2)
}

test('inflate: the lone distance is found, and nothing else is a distance', () => {
  const good = withCopies().code(0, 1).code(3, 2).code(0, 1).code(2, 2).bytes
  assert.deepEqual(inflated(good), new Uint8Array(4))
  assert.deepEqual(new Uint8Array(inflateRawSync(good)), new Uint8Array(4))
  refuses(withCopies().code(0, 1).code(3, 2).code(1, 1).code(2, 2).number(0, 16).bytes, 'the other bit')
  refuses(withCopies().code(3, 2).code(0, 1).code(2, 2).bytes, 'a copy of what is not there')
})

test('inflate: streams that no deflater makes are refused, as by Node', () => {
  const fixed = (): Bits => new Bits().number(1, 1).number(1, 2)
  const cases: readonly (readonly [what: string, packed: Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['a fourth kind of block', new Bits().number(1, 1).number(3, 2).bytes],
    ['a stored length that is not said twice', Uint8Array.of(1, 2, 0, 0, 0, 9, 9)],
    ['a stored block cut off', Uint8Array.of(1, 2, 0, 0xfd, 0xff, 9)],
    ['287 literals', head(new Bits(), 287, 1, SIMPLE).number(0, 64).bytes],
    ['31 distances', head(new Bits(), 257, 31, SIMPLE).number(0, 64).bytes],
    ['no code of lengths', head(new Bits(), 257, 1, {}).number(0, 64).bytes],
    ['too many codes', head(new Bits(), 257, 1, { 1: 1, 2: 1, 3: 1 }).number(0, 64).bytes],
    ['too few codes', head(new Bits(), 257, 1, { 1: 2, 2: 2, 3: 2 }).number(0, 64).bytes],
    ['a repetition of nothing', head(new Bits(), 257, 1, { 16: 1, 1: 1 }).code(1, 1).number(0, 64).bytes],
    ['a repetition beyond the end', zeros(zeros(head(new Bits(), 257, 1, SIMPLE), 138), 138).number(0, 64).bytes],
    [
      'no end of the block',
      zeros(zeros(head(new Bits(), 257, 1, SIMPLE), 138), 119)
        .code(0, 1)
        .number(0, 64).bytes,
    ],
    ['a length symbol of 286', fixed().code(0b11000110, 8).number(0, 32).bytes],
    ['a distance symbol of 30', fixed().code(0b00110000, 8).code(1, 7).code(30, 5).number(0, 32).bytes],
    ['a distance before the start', fixed().code(0b00110000, 8).code(1, 7).code(1, 5).code(0, 7).bytes],
    ['an end that is cut off', fixed().code(0b00110000, 8).bytes],
  ]
  for (const [what, packed] of cases) {
    refuses(packed, what)
    assert.throws(() => inflateRawSync(packed), what)
  }
})

test('inflate: lengths are repeated with 16 and 17 too', () => {
  // 0 and 256 of one bit: 1, then 255 zeros as 10, 6 and 3 of them and so on, then 1; then 4 distances of no bits: 0 and three again.
  const bits = head(new Bits(), 257, 4, { 1: 2, 0: 2, 16: 2, 17: 2 })
  const [zero, one, again, some] = [0, 1, 2, 3]
  bits.code(one, 2)
  for (let k = 0; k < 25; k++) bits.code(some, 2).number(7, 3)
  bits.code(zero, 2).code(again, 2).number(1, 2)
  bits.code(one, 2).code(zero, 2).code(again, 2).number(0, 2)
  const packed = bits.code(0, 1).code(1, 1).bytes
  assert.deepEqual(inflated(packed), new Uint8Array(1))
  assert.deepEqual(new Uint8Array(inflateRawSync(packed)), new Uint8Array(1))
})

test('inflate: blocks without end, each of nothing, are counted and refused', () => {
  const empty = Uint8Array.of(0, 0, 0, 0xff, 0xff)
  const last = Uint8Array.of(1, 0, 0, 0xff, 0xff)
  const blocks = (count: number): Uint8Array => concat(...Array.from({ length: count }, () => empty), last)
  assert.deepEqual(inflated(blocks(64), 0), new Uint8Array(0))
  refuses(blocks(65), 'one more', 0)
  assert.deepEqual(inflated(blocks(65), 1024), new Uint8Array(0))
  refuses(blocks(66), 'one more', 1024)
})

test('inflate: random bytes end as in Node, or are refused earlier', () => {
  holds(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 7 }), (random, first) => {
      const packed = concat(Uint8Array.of(first), random)
      let ours: Uint8Array | undefined
      try {
        ours = inflated(packed)
      } catch (error) {
        assert.ok(error instanceof Malformed, `${error}`)
      }
      if (ours !== undefined) assert.deepEqual(new Uint8Array(inflateRawSync(packed)), ours)
    }),
    2000,
  )
})
