// Key schedule of SKINNY-64 and its form for the kernel: vectors of four lanes, each all zeros or all ones.

/** What a table must know of one round: the offsets of rows 0 to 2 when the tweakey is added, and the planes to flip. */
export interface RoundLayout {
  readonly offsets: readonly number[]
  readonly flips: readonly number[]
}

/** How the kernel lays out one direction: four rounds, again and again. After each four the offsets have grown by `drift`. */
export interface Layout {
  readonly rounds: readonly RoundLayout[]
  readonly drift: number
}

const PERMUTATION = [9, 15, 8, 13, 10, 14, 12, 11, 0, 1, 2, 3, 4, 5, 6, 7]
const ROUNDS = [0, 32, 36, 40]
const COLUMNS = [0, 1, 2, 3] as const

// Per round: rows 0 and 1 in four planes each, and one plane of row 2, whose constant is 2 in column 0.
const VECTORS = 9
const LANES = 4
const CONSTANT = 0x2000

/** Words of one direction of the longest key. */
export const TABLE_WORDS = ROUNDS[3]! * VECTORS * LANES

const lfsr2 = (x: number): number => ((x << 1) & 0xf) | ((x >> 3) ^ ((x >> 2) & 1))
const lfsr3 = (x: number): number => (x >> 1) | (((x ^ (x >> 3)) & 1) << 3)

/** Rows 0 and 1 of each round's tweakey, 16 bits each, round constants folded in. Keys have 8, 16 or 24 bytes, all of them key. */
export function roundTweakeys(key: Uint8Array): Int32Array {
  const count = key.length / 8
  const rounds = new Int32Array(ROUNDS[count] ?? 0)
  if (rounds.length === 0) throw new RangeError('a SKINNY-64 key has 8, 16 or 24 bytes')
  let tweakeys = Array.from({ length: count }, (_, k) =>
    Array.from({ length: 16 }, (_, i) => {
      const byte = key[8 * k + (i >> 1)]!
      return i % 2 === 0 ? byte >> 4 : byte & 0xf
    }),
  )
  let constant = 0
  for (let round = 0; round < rounds.length; round++) {
    constant = ((constant << 1) & 0x3f) | ((constant >> 5) ^ ((constant >> 4) & 1) ^ 1)
    let rows = ((constant & 0xf) << 28) | ((constant >> 4) << 12)
    for (const tweakey of tweakeys) for (let i = 0; i < 8; i++) rows ^= tweakey[i]! << (28 - 4 * i)
    rounds[round] = rows
    tweakeys = tweakeys.map((tweakey, k) =>
      PERMUTATION.map((from, i) => {
        const nibble = tweakey[from]!
        if (i >= 8 || k === 0) return nibble
        return k === 1 ? lfsr2(nibble) : lfsr3(nibble)
      }),
    )
  }
  return rounds
}

/** The table of one direction, in the order of execution. */
export function skinnyTable(rounds: Int32Array, layout: Layout, backwards: boolean): Int32Array {
  const table = new Int32Array(rounds.length * VECTORS * LANES)
  for (let n = 0; n < rounds.length; n++) {
    const { offsets, flips } = layout.rounds[n % 4]!
    const drift = layout.drift * (n >> 2)
    const word = rounds[backwards ? rounds.length - 1 - n : n]!
    const put = (vector: number, row: number, plane: number, bits: number) => {
      for (const column of COLUMNS) {
        const bit = ((bits >>> (12 - 4 * column + plane)) ^ (flips[row]! >> plane)) & 1
        table[LANES * (VECTORS * n + vector) + ((column + offsets[row]! + drift) & 3)] = -bit
      }
    }
    for (let plane = 0; plane < 4; plane++) put(plane, 0, plane, word >>> 16)
    for (let plane = 0; plane < 4; plane++) put(4 + plane, 1, plane, word)
    put(8, 2, 1, CONSTANT)
  }
  return table
}
