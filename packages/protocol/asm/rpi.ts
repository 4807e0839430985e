// Rolling proximity identifiers of 128 keys at once (AssemblyScript): AES-128 in bits, a bit of a vector for each key. All keys encrypt
// the same interval, of which only the lowest byte varies much: what the other bytes make of rounds 1 and 2 is kept. Only four
// bytes of an identifier are computed, those that one column of the state before the last round makes: 0, 13, 10 and 7. Most keys
// match nothing, so most words end at a filter of what was heard. Diagnosis keys are public: the filter may be read by data.
// The S-box and MixColumns come from scripts/aes-rounds.ts.
import { mix, mixRow, spread, substitute } from './rounds'

const VECTOR: usize = 16
/** A byte of the state: eight vectors, from the lowest bit. */
const BYTE: usize = 8 * VECTOR
const COLUMN: usize = 4 * BYTE
const STATE: usize = 4 * COLUMN

export const keys: usize = memory.data(2048, 16)
export const INTERVALS: i32 = 256
export const intervals: usize = memory.data(1024, 16)
/** Pairs of words that passed: the index of the interval times 128 plus the place of the key; the four bytes. */
export const PASSES: i32 = 1024
export const passes: usize = memory.data(8192, 16)
/** Two filters of so many bytes at most: a word passes when the first has the bit that its lowest bits name and the second that of its highest. */
export const FILTER_BYTES: i32 = 32768
// The second page of memory, above all static data: as immediate offsets these addresses cost nothing.
export const filter: usize = 65536
export const second: usize = 98304

const roundKeys: usize = memory.data(22528, 16)
const even: usize = memory.data(2048, 16)
const odd: usize = memory.data(2048, 16)
const column: usize = memory.data(512, 16)
const substituted: usize = memory.data(128, 16)
/** What all but the lowest byte of the counter come to: in round 1, in the column of that byte; after round 2. */
const one: usize = memory.data(512, 16)
const both: usize = memory.data(2048, 16)
/** 128 words, that of key 8 y + x at 16 x + y. */
const words: usize = memory.data(512, 16)

let passed: i32 = 0

/** How many words the last call let pass. */
export function count(): i32 {
  return passed
}

// GAEN: Cryptography v1.2.1, PaddedData: "EN-RPI", six zeros, the interval as a little-endian word.
const LOW: u64 = 0x00004950522d4e45

@inline function bytesOf(n: usize, counter: u32): u32 {
  return n < 8 ? <u32>((LOW >> (8 * n)) & 0xff) : n < 12 ? 0 : (counter >> <u32>(8 * (n - 12))) & 0xff
}

/** All ones where the bit is set. */
@inline function ones(value: u32, bit: usize): v128 {
  return i32x4.splat(-<i32>((value >> <u32>bit) & 1))
}

/** The round keys of the 128 keys at `keys`. */
export function schedule(): void {
  transpose()
  memory.copy(roundKeys, even, STATE)
  let rcon: u32 = 1
  for (let round: usize = 1; round <= 10; round++) {
    for (let row: usize = 0; row < 4; row++) substitute(even + (12 + ((row + 1) & 3)) * BYTE, column + row * BYTE)
    for (let row: usize = 0; row < 4; row++) {
      const change: u32 = 0x63 ^ (row === 0 ? rcon : 0)
      for (let bit: usize = 0; bit < 8; bit++) {
        const at = row * BYTE + bit * VECTOR
        let word = v128.xor(v128.load(column + at), ones(change, bit))
        // What is used undoes the 0x63 of the S-box before it.
        const flip = ones(0x63, bit)
        for (let c: usize = 0; c < STATE; c += COLUMN) {
          word = v128.xor(word, v128.load(even + at + c))
          v128.store(even + at + c, word)
          v128.store(roundKeys + round * STATE + at + c, v128.xor(word, flip))
        }
      }
    }
    rcon = (rcon << 1) ^ (rcon & 0x80 ? 0x11b : 0)
  }
}

/** What does not change while the upper three bytes of the counter stay. */
function prepare(counter: u32): void {
  for (let n: usize = 0; n < 16; n++) {
    for (let bit: usize = 0; bit < 8; bit++) {
      const at = n * BYTE + bit * VECTOR
      v128.store(even + at, v128.xor(v128.load(roundKeys + at), ones(bytesOf(n, counter), bit)))
    }
  }
  for (let c: usize = 0; c < 4; c++) {
    for (let row: usize = 0; row < 4; row++) {
      const n = 4 * ((c + row) & 3) + row
      if (n === 12) memory.fill(column + row * BYTE, 0, BYTE)
      else substitute(even + n * BYTE, column + row * BYTE)
    }
    mix(column, roundKeys + STATE + c * COLUMN, c === 3 ? one : odd + c * COLUMN)
  }
  for (let c: usize = 0; c < 4; c++) {
    for (let row: usize = 0; row < 4; row++) {
      const from = (c + row) & 3
      if (from === 3) memory.fill(column + row * BYTE, 0, BYTE)
      else substitute(odd + from * COLUMN + row * BYTE, column + row * BYTE)
    }
    mix(column, roundKeys + 2 * STATE + c * COLUMN, both + c * COLUMN)
  }
}

/** Rounds 1 and 2, to `even`. */
function begin(counter: u32): void {
  for (let bit: usize = 0; bit < 8; bit++) {
    v128.store(column + bit * VECTOR, v128.xor(v128.load(roundKeys + 12 * BYTE + bit * VECTOR), ones(counter, bit)))
  }
  substitute(column, substituted)
  spread(substituted, 0, one, column)
  for (let row: i32 = 0; row < 4; row++) {
    substitute(column + <usize>row * BYTE, substituted)
    const c = <usize>(3 - row) * COLUMN
    spread(substituted, row, both + c, even + c)
  }
}

function round(from: usize, key: usize, to: usize): void {
  for (let c: usize = 0; c < 4; c++) {
    for (let row: usize = 0; row < 4; row++) {
      substitute(from + (4 * ((c + row) & 3) + row) * BYTE, column + row * BYTE)
    }
    mix(column, key + c * COLUMN, to + c * COLUMN)
  }
}

/** Rounds 8 to 10 of the state in `odd`, as far as four bytes need them; 32 vectors to `even`. */
function end(): void {
  const key8 = roundKeys + 8 * STATE
  for (let c: usize = 0; c < 4; c++) {
    for (let row: usize = 0; row < 4; row++) {
      substitute(odd + (4 * ((c + row) & 3) + row) * BYTE, column + row * BYTE)
    }
    const b = column + ((c + 1) & 3) * BYTE
    const d = column + ((c + 3) & 3) * BYTE
    mixRow(column + c * BYTE, b, column + (c ^ 2) * BYTE, d, key8 + 5 * c * BYTE, even + c * BYTE)
  }
  for (let row: usize = 0; row < 4; row++) substitute(even + row * BYTE, column + row * BYTE)
  mix(column, roundKeys + 9 * STATE, odd)
  for (let row: usize = 0; row < 4; row++) {
    substitute(odd + row * BYTE, even + row * BYTE)
    const key = roundKeys + 10 * STATE + ((13 * row) & 15) * BYTE
    for (let bit: usize = 0; bit < 8; bit++) {
      const at = even + row * BYTE + bit * VECTOR
      v128.store(at, v128.xor(v128.load(at), v128.load(key + bit * VECTOR)))
    }
  }
}

/** The words of the keys for one interval, to `words`; `prepare` has been called for its upper bytes. */
function derive(counter: u32): void {
  begin(counter)
  for (let key = roundKeys + 3 * STATE; key < roundKeys + 7 * STATE; key += 2 * STATE) {
    round(even, key, odd)
    round(odd, key + STATE, even)
  }
  round(even, roundKeys + 7 * STATE, odd)
  end()
  gather()
}

/**
 * The words of the keys for the intervals from index `from` to before `to`, as far as there is room for what passes: gives the index to
 * go on with. `mask` of a word over 8 is the place in the first filter, in steps of four bytes; the second has the word over 2^shift.
 */
export function probe(from: i32, to: i32, mask: u32, shift: u32): i32 {
  let prepared: i64 = -1
  passed = 0
  for (let n = from; n < to; n++) {
    if (passed > PASSES - 128) return n
    const counter = load<u32>(intervals + (<usize>n << 2))
    if (<i64>(counter >> 8) !== prepared) {
      prepare(counter)
      prepared = <i64>(counter >> 8)
    }
    derive(counter)
    let at = passes + (<usize>passed << 3)
    for (let quarter: usize = 0; quarter < 512; quarter += 128) {
      let found: u32 = 0
      for (let word = words + quarter; word < words + quarter + 128; word += 32) {
        found = 2 * found + look(word, mask)
        found = 2 * found + look(word + 4, mask)
        found = 2 * found + look(word + 8, mask)
        found = 2 * found + look(word + 12, mask)
        found = 2 * found + look(word + 16, mask)
        found = 2 * found + look(word + 20, mask)
        found = 2 * found + look(word + 24, mask)
        found = 2 * found + look(word + 28, mask)
      }
      while (found !== 0) {
        const bit = clz(found)
        found ^= 0x80000000 >>> bit
        const word = load<u32>(words + quarter + (<usize>bit << 2))
        store<u32>(at, (<u32>n << 7) | (<u32>quarter >>> 2) | bit)
        store<u32>(at, word, 4)
        const index = word >>> shift
        at += <usize>((load<u8>(index >>> 3, second) >>> (index & 7)) & 1) << 3
      }
    }
    passed = <i32>((at - passes) >>> 3)
  }
  return to
}

/** Whether the first filter has the word at an address, as 1 or 0. */
@inline function look(at: usize, mask: u32): u32 {
  const word = load<u32>(at)
  return (load<u32>((word >>> 3) & mask, filter) >>> word) & 1
}

const masks: usize = memory.data<u32>([
  0x55555555, 0x55555555, 0x55555555, 0x55555555, 0x33333333, 0x33333333, 0x33333333, 0x33333333,
  0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff,
  0x0000ffff, 0x0000ffff, 0x0000ffff, 0x0000ffff,
], 16)

/** The 32 vectors of four bytes in `even`, turned round: a word for each key, to `words`. */
function gather(): void {
  for (let at = even; at < even + COLUMN; at += BYTE) {
    swap(
      at,
      v128.load(at, 0),
      v128.load(at, 16),
      v128.load(at, 32),
      v128.load(at, 48),
      v128.load(at, 64),
      v128.load(at, 80),
      v128.load(at, 96),
      v128.load(at, 112),
    )
  }
  // Vector x of byte n has byte n of the words of keys x, 8 + x, … 120 + x.
  let to = words
  for (let at = even; at < even + BYTE; at += VECTOR) {
    const a = v128.load(at)
    const b = v128.load(at, 128)
    const c = v128.load(at, 256)
    const d = v128.load(at, 384)
    const ab = lowBytes(a, b)
    const AB = highBytes(a, b)
    const cd = lowBytes(c, d)
    const CD = highBytes(c, d)
    v128.store(to, lowPairs(ab, cd))
    v128.store(to, highPairs(ab, cd), 16)
    v128.store(to, lowPairs(AB, CD), 32)
    v128.store(to, highPairs(AB, CD), 48)
    to += 4 * VECTOR
  }
}

/** Of eight vectors of bits: bit i of byte n of vector j becomes bit j of byte n of vector i. */
function swap(to: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128): void {
  let mask = v128.load(masks)
  let t = v128.and(v128.xor(i64x2.shr_u(a, 1), b), mask)
  b = v128.xor(b, t)
  a = v128.xor(a, i64x2.shl(t, 1))
  t = v128.and(v128.xor(i64x2.shr_u(c, 1), d), mask)
  d = v128.xor(d, t)
  c = v128.xor(c, i64x2.shl(t, 1))
  t = v128.and(v128.xor(i64x2.shr_u(e, 1), f), mask)
  f = v128.xor(f, t)
  e = v128.xor(e, i64x2.shl(t, 1))
  t = v128.and(v128.xor(i64x2.shr_u(g, 1), h), mask)
  h = v128.xor(h, t)
  g = v128.xor(g, i64x2.shl(t, 1))
  mask = v128.load(masks, 16)
  t = v128.and(v128.xor(i64x2.shr_u(a, 2), c), mask)
  c = v128.xor(c, t)
  a = v128.xor(a, i64x2.shl(t, 2))
  t = v128.and(v128.xor(i64x2.shr_u(b, 2), d), mask)
  d = v128.xor(d, t)
  b = v128.xor(b, i64x2.shl(t, 2))
  t = v128.and(v128.xor(i64x2.shr_u(e, 2), g), mask)
  g = v128.xor(g, t)
  e = v128.xor(e, i64x2.shl(t, 2))
  t = v128.and(v128.xor(i64x2.shr_u(f, 2), h), mask)
  h = v128.xor(h, t)
  f = v128.xor(f, i64x2.shl(t, 2))
  mask = v128.load(masks, 32)
  t = v128.and(v128.xor(i64x2.shr_u(a, 4), e), mask)
  v128.store(to, v128.xor(a, i64x2.shl(t, 4)), 0)
  v128.store(to, v128.xor(e, t), 64)
  t = v128.and(v128.xor(i64x2.shr_u(b, 4), f), mask)
  v128.store(to, v128.xor(b, i64x2.shl(t, 4)), 16)
  v128.store(to, v128.xor(f, t), 80)
  t = v128.and(v128.xor(i64x2.shr_u(c, 4), g), mask)
  v128.store(to, v128.xor(c, i64x2.shl(t, 4)), 32)
  v128.store(to, v128.xor(g, t), 96)
  t = v128.and(v128.xor(i64x2.shr_u(d, 4), h), mask)
  v128.store(to, v128.xor(d, i64x2.shl(t, 4)), 48)
  v128.store(to, v128.xor(h, t), 112)
}

@inline function lowBytes(x: v128, y: v128): v128 {
  return v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}
@inline function highBytes(x: v128, y: v128): v128 {
  return v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}
@inline function lowPairs(x: v128, y: v128): v128 {
  return v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
}
@inline function highPairs(x: v128, y: v128): v128 {
  return v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
}

/** The 128 keys of 16 bytes, turned round to 128 vectors in `even`. */
function transpose(): void {
  memory.copy(even, keys, STATE)
  for (let n: usize = 0; n < 64; n++) {
    const at = even + n * VECTOR
    const a = v128.load(at)
    const b = v128.load(at, 64 * 16)
    v128.store(at, v128.shuffle<i64>(a, b, 0, 2))
    v128.store(at, v128.shuffle<i64>(a, b, 1, 3), 64 * 16)
  }
  for (let n: usize = 0; n < 128; n++) {
    if (n & 32) continue
    const at = even + n * VECTOR
    const a = v128.load(at)
    const b = v128.load(at, 32 * 16)
    v128.store(at, v128.shuffle<i32>(a, b, 0, 4, 2, 6))
    v128.store(at, v128.shuffle<i32>(a, b, 1, 5, 3, 7), 32 * 16)
  }
  let mask = masks + 4 * VECTOR
  for (let step: usize = 16; step > 0; step >>= 1) {
    const keep = v128.load(mask)
    for (let n: usize = 0; n < 128; n++) {
      if (n & step) continue
      const low = even + n * VECTOR
      const high = low + step * VECTOR
      const a = v128.load(low)
      const b = v128.load(high)
      const t = v128.and(v128.xor(i32x4.shr_u(a, <i32>step), b), keep)
      v128.store(high, v128.xor(b, t))
      v128.store(low, v128.xor(a, i32x4.shl(t, <i32>step)))
    }
    mask -= VECTOR
  }
}
