// SKINNY-64 (Beierle et al., CRYPTO 2016) in readable form, the measure of the kernel: a state is four rows of four nibbles, a row
// is 16 bits, its first column in the high nibble. Two rows share one 32-bit word.

/** The round tweakeys of rows 0 and 1, round constants folded in; a function of the key alone. */
export interface SkinnyKey {
  readonly rounds: Int32Array
}

const PERMUTATION = [9, 15, 8, 13, 10, 14, 12, 11, 0, 1, 2, 3, 4, 5, 6, 7]
const ROUNDS = [0, 32, 36, 40]

const lfsr2 = (x: number): number => ((x << 1) & 0xf) | ((x >> 3) ^ ((x >> 2) & 1))
const lfsr3 = (x: number): number => (x >> 1) | (((x ^ (x >> 3)) & 1) << 3)

/** Key schedule for keys of 8, 16 or 24 bytes (SKINNY-64/64, 64/128, 64/192). ROBERT uses 24: all of them key, no tweak. */
export function skinnyKey(key: Uint8Array): SkinnyKey {
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
  return { rounds }
}

// The S-box is x0 ^= NOR(x3, x2) and a rotation of the nibble, four times; here on eight nibbles at once.
const nor = (x: number): number => x ^ (~((x >>> 3) | (x >>> 2)) & 0x11111111)
const left = (x: number): number => ((x << 1) & 0xeeeeeeee) | ((x >>> 3) & 0x11111111)
const right = (x: number): number => ((x >>> 1) & 0x77777777) | ((x << 3) & 0x88888888)
const substitute = (x: number): number => nor(left(nor(left(nor(left(nor(x)))))))
const substituteBack = (x: number): number => nor(right(nor(right(nor(right(nor(x)))))))

const rotateRow = (row: number, bits: number): number => ((row >>> bits) | (row << (16 - bits))) & 0xffff

/** Encrypts blocks of 8 bytes in place. */
export function skinnyEncrypt(key: SkinnyKey, blocks: Uint8Array): void {
  const rounds = key.rounds
  for (let at = 0; at + 8 <= blocks.length; at += 8) {
    let upper = (blocks[at]! << 24) | (blocks[at + 1]! << 16) | (blocks[at + 2]! << 8) | blocks[at + 3]!
    let lower = (blocks[at + 4]! << 24) | (blocks[at + 5]! << 16) | (blocks[at + 6]! << 8) | blocks[at + 7]!
    for (let round = 0; round < rounds.length; round++) {
      upper = substitute(upper) ^ rounds[round]!
      lower = substitute(lower) ^ 0x20000000
      const a = upper >>> 16
      const b = rotateRow(upper & 0xffff, 4)
      const c = rotateRow(lower >>> 16, 8)
      const d = rotateRow(lower & 0xffff, 12)
      upper = ((a ^ c ^ d) << 16) | a
      lower = ((b ^ c) << 16) | (a ^ c)
    }
    store(blocks, at, upper, lower)
  }
}

/** Decrypts blocks of 8 bytes in place. */
export function skinnyDecrypt(key: SkinnyKey, blocks: Uint8Array): void {
  const rounds = key.rounds
  for (let at = 0; at + 8 <= blocks.length; at += 8) {
    let upper = (blocks[at]! << 24) | (blocks[at + 1]! << 16) | (blocks[at + 2]! << 8) | blocks[at + 3]!
    let lower = (blocks[at + 4]! << 24) | (blocks[at + 5]! << 16) | (blocks[at + 6]! << 8) | blocks[at + 7]!
    for (let round = rounds.length - 1; round >= 0; round--) {
      const a = upper & 0xffff
      const c = a ^ (lower & 0xffff)
      const b = c ^ (lower >>> 16)
      const d = (upper >>> 16) ^ a ^ c
      upper = substituteBack(((a << 16) | rotateRow(b, 12)) ^ rounds[round]!)
      lower = substituteBack(((rotateRow(c, 8) << 16) | rotateRow(d, 4)) ^ 0x20000000)
    }
    store(blocks, at, upper, lower)
  }
}

function store(blocks: Uint8Array, at: number, upper: number, lower: number): void {
  blocks[at] = upper >>> 24
  blocks[at + 1] = upper >>> 16
  blocks[at + 2] = upper >>> 8
  blocks[at + 3] = upper
  blocks[at + 4] = lower >>> 24
  blocks[at + 5] = lower >>> 16
  blocks[at + 6] = lower >>> 8
  blocks[at + 7] = lower
}
