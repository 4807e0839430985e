// SKINNY-64 over many blocks (AssemblyScript). A pass takes 32 blocks: packs their bits into 16 vectors, one for each row and bit
// plane, runs the rounds (written by scripts/skinny-rounds.ts), and unpacks. No address and no branch depends on data.
//
// Bits are moved by exchanging index bits. A vector has a number of 4 bits, and a bit in it a position of 7 bits. Loaded, these are
//   number b4 b3 b2 b1   position b0 r1 r0 c1 c0 p1 p0    (b block, r row, c column, p plane; c0 is inverted: high nibble first)
// and packed they are
//   number r1 r0 p1 p0   position c1 c0 b1 b4 b3 b2 b0.
// "Interleave" moves a bit of the number into the position and the highest bit of the position into the number; "swap" exchanges
// one of the number with one of the lowest three of the position.
import { decryptRounds, encryptRounds } from './rounds'

const VECTOR: usize = 16
const PASS: usize = 16 * VECTOR

const masks: usize = memory.data<u64>([
  0x5555555555555555, 0x5555555555555555, 0x3333333333333333, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f,
], 16)
const work: usize = memory.data(256, 16)
const state: usize = memory.data(256, 16)

/** How many blocks one call takes, and how many keys are held; both directions of a key are 11,520 bytes. */
export const BLOCKS: i32 = 4096
export const SLOTS: i32 = 8
export const blocks: usize = memory.data(32768, 16)
export const keys: usize = memory.data(92160, 16)

/** Encrypts `passes` times 32 blocks at `blocks` with the table at `key`; a turn is four rounds. */
export function encrypt(key: usize, passes: i32, turns: i32): void {
  let at = blocks
  for (let pass: i32 = 0; pass < passes; pass++) {
    pack(at)
    encryptRounds(state, key, turns)
    unpack(at)
    at += PASS
  }
}

/** Decrypts likewise. */
export function decrypt(key: usize, passes: i32, turns: i32): void {
  let at = blocks
  for (let pass: i32 = 0; pass < passes; pass++) {
    pack(at)
    decryptRounds(state, key, turns)
    unpack(at)
    at += PASS
  }
}

/** Leaves no block and no state behind. */
export function wipe(passes: i32): void {
  memory.fill(blocks, 0, <usize>passes * PASS)
  memory.fill(work, 0, PASS)
  memory.fill(state, 0, PASS)
}

function pack(from: usize): void {
  for (let half: usize = 0; half < PASS; half += PASS / 2) {
    // Interleave b1, in bytes: number b4 b3 b2 b0, position r1 r0 c1 b1 c0 p1 p0.
    let x = v128.load(from + half, 0)
    let y = v128.load(from + half, 16)
    let v0 = lowBytes(x, y)
    let v1 = highBytes(x, y)
    x = v128.load(from + half, 32)
    y = v128.load(from + half, 48)
    let v2 = lowBytes(x, y)
    let v3 = highBytes(x, y)
    x = v128.load(from + half, 64)
    y = v128.load(from + half, 80)
    let v4 = lowBytes(x, y)
    let v5 = highBytes(x, y)
    x = v128.load(from + half, 96)
    y = v128.load(from + half, 112)
    swap(work + half, v0, v1, v2, v3, v4, v5, lowBytes(x, y), highBytes(x, y))
  }
  // Number b4 c0 p1 p0, position r1 r0 c1 b1 b3 b2 b0. Interleave b4 in bytes: r1 leaves; c0 in lanes: r0 leaves, c1 and c0 lead.
  for (let plane: usize = 0; plane < 4 * VECTOR; plane += VECTOR) {
    const a = v128.load(work + plane, 0)
    const b = v128.load(work + plane, 64)
    const c = v128.load(work + plane, 128)
    const d = v128.load(work + plane, 192)
    const top0 = lowBytes(a, c)
    const top1 = lowBytes(b, d)
    const bottom0 = highBytes(a, c)
    const bottom1 = highBytes(b, d)
    // The high nibble is the left column: its vectors come second, and lead here.
    v128.store(state + plane, lowLanes(top1, top0), 0)
    v128.store(state + plane, highLanes(top1, top0), 64)
    v128.store(state + plane, lowLanes(bottom1, bottom0), 128)
    v128.store(state + plane, highLanes(bottom1, bottom0), 192)
  }
}

function unpack(to: usize): void {
  // Position c1 c0 b1 b4 | b3 b2 b0 becomes c0 b4 b1 c1 | b3 b2 b0 by bytes. Interleave r0 in 16 bits: c0 leaves, b4 b1 r0 c1;
  // r1 in lanes: b4 leaves. Number b4 c0 p1 p0, position b1 r1 r0 c1 b3 b2 b0.
  for (let plane: usize = 0; plane < 4 * VECTOR; plane += VECTOR) {
    const a = regroup(v128.load(state + plane, 0))
    const b = regroup(v128.load(state + plane, 64))
    const c = regroup(v128.load(state + plane, 128))
    const d = regroup(v128.load(state + plane, 192))
    const upper0 = lowPairs(a, b)
    const upper1 = highPairs(a, b)
    const lower0 = lowPairs(c, d)
    const lower1 = highPairs(c, d)
    v128.store(work + plane, lowLanes(upper1, lower1), 0)
    v128.store(work + plane, lowLanes(upper0, lower0), 64)
    v128.store(work + plane, highLanes(upper1, lower1), 128)
    v128.store(work + plane, highLanes(upper0, lower0), 192)
  }
  for (let half: usize = 0; half < PASS; half += PASS / 2) {
    const at = work + half
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
    // Number b4 b3 b2 b0, position b1 r1 r0 c1 c0 p1 p0: b0 and b1 change places.
    for (let pair: usize = 0; pair < 8 * VECTOR; pair += 2 * VECTOR) {
      const x = v128.load(at + pair, 0)
      const y = v128.load(at + pair, 16)
      v128.store(to + half + pair, v128.shuffle<i64>(x, y, 0, 2), 0)
      v128.store(to + half + pair, v128.shuffle<i64>(x, y, 1, 3), 16)
    }
  }
}

/** Exchanges bits 0, 1 and 2 of the number of eight vectors with bits 0, 1 and 2 of the position, and stores them. */
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
@inline function lowLanes(x: v128, y: v128): v128 {
  return v128.shuffle<i32>(x, y, 0, 4, 1, 5)
}
@inline function highLanes(x: v128, y: v128): v128 {
  return v128.shuffle<i32>(x, y, 2, 6, 3, 7)
}
// Byte c1 c0 b1 b4 goes to byte c0 b4 b1 c1.
@inline function regroup(x: v128): v128 {
  return i8x16.swizzle(x, i8x16(0, 8, 2, 10, 1, 9, 3, 11, 4, 12, 6, 14, 5, 13, 7, 15))
}
