// SKINNY-64/192 with T-tables, the usual fast form in software: a table for each byte of the state holds S-box and linear layer
// together. Its look-ups depend on secrets; it is here only to be measured against.
import { roundTweakeys } from '../packages/protocol/src/kernels/skinny-tables.ts'

const BOX = [12, 6, 9, 0, 1, 10, 2, 11, 3, 8, 5, 13, 4, 14, 7, 15]
const rotate = (row: number, bits: number): number => ((row >>> bits) | (row << (16 - bits))) & 0xffff
type Halves = readonly [number, number]

/** Inverse of ShiftRows and MixColumns on (rows 0 and 1, rows 2 and 3). */
function linearBack([upper, lower]: Halves): Halves {
  const a = upper & 0xffff
  const c = a ^ (lower & 0xffff)
  const b = c ^ (lower >>> 16)
  const d = (upper >>> 16) ^ a ^ c
  return [(a << 16) | rotate(b, 12), (rotate(c, 8) << 16) | rotate(d, 4)]
}

// 8 bytes of the state, 256 values, 2 halves: once the linear layer alone, once after the inverse S-box.
const LINEAR = new Int32Array(4096)
const ROUND = new Int32Array(4096)
const BOX_BACK = Uint8Array.from({ length: 256 }, (_, v) => (BOX.indexOf(v >> 4) << 4) | BOX.indexOf(v & 15))
for (let n = 0; n < 2048; n++) {
  const shift = 24 - 8 * ((n >> 8) & 3)
  const spread = (value: number): Halves => linearBack(n >> 10 === 0 ? [value << shift, 0] : [0, value << shift])
  LINEAR.set(spread(n & 255), 2 * n)
  ROUND.set(spread(BOX_BACK[n & 255]!), 2 * n)
}

const half = (table: Int32Array, upper: number, lower: number, which: number): number =>
  table[2 * (upper >>> 24) + which]! ^
  table[512 + 2 * ((upper >>> 16) & 255) + which]! ^
  table[1024 + 2 * ((upper >>> 8) & 255) + which]! ^
  table[1536 + 2 * (upper & 255) + which]! ^
  table[2048 + 2 * (lower >>> 24) + which]! ^
  table[2560 + 2 * ((lower >>> 16) & 255) + which]! ^
  table[3072 + 2 * ((lower >>> 8) & 255) + which]! ^
  table[3584 + 2 * (lower & 255) + which]!

const boxBack = (x: number): number =>
  (BOX_BACK[x >>> 24]! << 24) |
  (BOX_BACK[(x >>> 16) & 255]! << 16) |
  (BOX_BACK[(x >>> 8) & 255]! << 8) |
  BOX_BACK[x & 255]!

/** Gives a function that decrypts blocks of 8 bytes in place. */
export function tableDecryption(key: Uint8Array): (blocks: Uint8Array) => void {
  const rounds = roundTweakeys(key)
  return (blocks) => {
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length)
    for (let at = 0; at < blocks.length; at += 8) {
      let table = LINEAR
      let upper = view.getInt32(at)
      let lower = view.getInt32(at + 4)
      for (let round = rounds.length - 1; round >= 0; round--) {
        const next = half(table, upper, lower, 0) ^ rounds[round]!
        lower = half(table, upper, lower, 1) ^ 0x20000000
        upper = next
        table = ROUND
      }
      view.setInt32(at, boxBack(upper))
      view.setInt32(at + 4, boxBack(lower))
    }
  }
}
