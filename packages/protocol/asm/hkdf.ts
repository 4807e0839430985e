// HKDF-SHA256 of temporary exposure keys to the keys of their identifiers (AssemblyScript): RPIK = HKDF(TEK, no salt, "EN-RPIK", 16).
// Four at a time, lane i of every vector belongs to key i of the group; six compressions, because what depends on the salt alone is a
// constant. The rounds come from scripts/sha256-rounds.ts.
import {
  digest, info, initial, innerKey, key, later, outerKey, rest, saltInner, saltOuter, startEight, startKey, whole,
} from './rounds'

const VECTOR: usize = 16

/** How many keys of 16 bytes one call takes; each is replaced by what is derived from it. */
export const ROWS: i32 = 1024
export const keys: usize = memory.data(16384, 16)

const words: usize = memory.data(1024, 16)
const inner: usize = memory.data(128, 16)
const outer: usize = memory.data(128, 16)
const pseudorandom: usize = memory.data(128, 16)
const running: usize = memory.data(128, 16)

/** The keys of 4 times `groups` rows, in place. */
export function derive(groups: i32): void {
  for (let group: i32 = 0; group < groups; group++) {
    const row = keys + <usize>group * 64
    columns(row, words)
    for (let i: usize = 0; i < 64; i += VECTOR) v128.store(words + i, bigEndian(v128.load(words + i)))
    // Extract.
    startKey(saltInner, running, words, key)
    rest(running, saltInner, words, words + 256, later)
    startEight(saltOuter, running, words, digest)
    rest(running, saltOuter, pseudorandom, words + 256, later)
    // Expand: one block of output is more than enough.
    pad(i32x4.splat(0x36363636))
    startEight(initial, running, words, innerKey)
    rest(running, initial, inner, words + 256, later)
    pad(i32x4.splat(0x5c5c5c5c))
    startEight(initial, running, words, outerKey)
    rest(running, initial, outer, words + 256, later)
    whole(inner, words, info)
    startEight(outer, running, words, digest)
    rest(running, outer, words, words + 256, later)
    for (let i: usize = 0; i < 64; i += VECTOR) v128.store(words + i, bigEndian(v128.load(words + i)))
    columns(words, row)
  }
}

function pad(value: v128): void {
  for (let i: usize = 0; i < 128; i += VECTOR) v128.store(words + i, v128.xor(v128.load(pseudorandom + i), value))
}

/** Four rows of 16 bytes to four vectors of one word each; the same turns them back. */
function columns(from: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from, 16)
  const c = v128.load(from, 32)
  const d = v128.load(from, 48)
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(AB, CD, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(AB, CD, 1, 3), 48)
}

@inline function bigEndian(x: v128): v128 {
  return i8x16.swizzle(x, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
}
