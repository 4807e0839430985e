// HMAC-SHA256 of messages of 12 bytes (AssemblyScript), four at a time: lane i of every vector belongs to message i of the group.
// No address and no branch depends on data. The rounds come from scripts/sha256-rounds.ts. Only the first 16 are unrolled, where
// it saves work; more code would leave the processor's cache of decoded instructions.
import { digest, initial, innerKey, later, message, outerKey, rest, startEight, startMessage } from './rounds'

const VECTOR: usize = 16

/** How many messages one call takes; a row of keys has room for the 64 bytes of midstates. */
export const ROWS: i32 = 1024
export const keys: usize = memory.data(65536, 16)
export const messages: usize = memory.data(16400, 16)
export const macs: usize = memory.data(8192, 16)

// The message schedule, all 64 words: it needs no index arithmetic then.
const words: usize = memory.data(1024, 16)
const keyWords: usize = memory.data(128, 16)
const inner: usize = memory.data(128, 16)
const outer: usize = memory.data(128, 16)
const running: usize = memory.data(128, 16)

/** MACs of rows of messages, from keys of 32 bytes in rows. */
export function fromKeys(groups: i32, stride: usize): void {
  for (let group: i32 = 0; group < groups; group++) {
    expandKeys(keys + <usize>group * 128)
    finish(messages + <usize>group * 4 * stride, stride, macs + <usize>group * 32)
  }
}

/** MACs of rows of messages, from rows of midstates: 8 words of the inner hash, 8 of the outer. */
export function fromMidstates(groups: i32, stride: usize): void {
  for (let group: i32 = 0; group < groups; group++) {
    const row = keys + <usize>group * 256
    columns(row, 64, inner)
    columns(row + 16, 64, inner + 64)
    columns(row + 32, 64, outer)
    columns(row + 48, 64, outer + 64)
    finish(messages + <usize>group * 4 * stride, stride, macs + <usize>group * 32)
  }
}

/** Midstates of 4 times `groups` keys of 32 bytes. They take more room than the keys: from the last group to the first. */
export function midstates(groups: i32): void {
  for (let group: i32 = groups - 1; group >= 0; group--) {
    expandKeys(keys + <usize>group * 128)
    const row = keys + <usize>group * 256
    rows(inner, row)
    rows(inner + 64, row + 16)
    rows(outer, row + 32)
    rows(outer + 64, row + 48)
  }
}

/** Leaves nothing of keys and messages behind. */
export function wipe(groups: i32): void {
  memory.fill(keys, 0, <usize>groups * 256)
  memory.fill(messages, 0, <usize>groups * 64)
  memory.fill(macs, 0, <usize>groups * 32)
  memory.fill(words, 0, 1024)
  memory.fill(keyWords, 0, 128)
  memory.fill(inner, 0, 128)
  memory.fill(outer, 0, 128)
  memory.fill(running, 0, 128)
}

/** Four keys of 32 bytes to the midstates of both hashes. */
function expandKeys(from: usize): void {
  columns(from, 32, keyWords)
  columns(from + 16, 32, keyWords + 64)
  for (let i: usize = 0; i < 128; i += VECTOR) v128.store(keyWords + i, bigEndian(v128.load(keyWords + i)))
  padKey(i32x4.splat(0x36363636))
  startEight(initial, running, words, innerKey)
  rest(running, initial, inner, words + 256, later)
  padKey(i32x4.splat(0x5c5c5c5c))
  startEight(initial, running, words, outerKey)
  rest(running, initial, outer, words + 256, later)
}

function padKey(pad: v128): void {
  for (let i: usize = 0; i < 128; i += VECTOR) v128.store(words + i, v128.xor(v128.load(keyWords + i), pad))
}

/** Four messages of 12 bytes under the midstates `inner` and `outer`; the first 8 bytes of each MAC go to rows at `to`. */
function finish(from: usize, stride: usize, to: usize): void {
  columns(from, stride, words)
  for (let i: usize = 0; i < 48; i += VECTOR) v128.store(words + i, bigEndian(v128.load(words + i)))
  startMessage(inner, running, words, message)
  rest(running, inner, words, words + 256, later)
  startEight(outer, running, words, digest)
  rest(running, outer, words, words + 256, later)
  const a = bigEndian(v128.load(words))
  const b = bigEndian(v128.load(words, 16))
  v128.store(to, v128.shuffle<i32>(a, b, 0, 4, 1, 5))
  v128.store(to, v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16)
}

/** Four rows of 16 bytes, `stride` apart, to four vectors of one word each. */
function columns(from: usize, stride: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from + stride)
  const c = v128.load(from + 2 * stride)
  const d = v128.load(from + 3 * stride)
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(AB, CD, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(AB, CD, 1, 3), 48)
}

/** Four vectors of one word each to four rows of 16 bytes in rows of midstates. */
function rows(from: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from, 16)
  const c = v128.load(from, 32)
  const d = v128.load(from, 48)
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 64)
  v128.store(to, v128.shuffle<i64>(AB, CD, 0, 2), 128)
  v128.store(to, v128.shuffle<i64>(AB, CD, 1, 3), 192)
}

@inline function bigEndian(x: v128): v128 {
  return i8x16.swizzle(x, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
}
