import { MIDSTATE_BYTES, midstates } from '../packages/protocol/src/kernels/hmac.ts'
import type { KeyTable } from '../packages/protocol/src/robert/contact-decision.ts'

// The libraries of types of this folder are those of Node, which leave it out.
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer }
}

const EMPTY = 0
const HIGH = 2 ** 32
/** A row is one more than its index, in the low bits of the second word; the rest of an identifier stands above it. */
const ROW_BITS = 24
const ROW = 2 ** ROW_BITS - 1
const ROW_WORDS = MIDSTATE_BYTES / 4
/** Look-ups that are in flight together. */
const TOGETHER = 256
const PAGE = 65_536

/**
 * All users of a back-end in memory, open addressing: a slot is the low word of the identifier, then its high byte and the row,
 * side by side, so that a look-up misses the cache once, and once more for the row of midstates.
 */
export class UserTable implements KeyTable {
  readonly midstates: Uint8Array
  readonly #rows: Int32Array
  readonly #slots: Int32Array
  readonly #mask: number
  /** Keeps what is read ahead from being left out. */
  #read = 0

  /** Identifiers are drawn at random (ROBERT §3.2.1): they need no hash. */
  constructor(ids: Float64Array, keys: Uint8Array) {
    this.midstates = inLines(midstates(keys))
    this.#rows = new Int32Array(this.midstates.buffer)
    this.#mask = 2 ** Math.ceil(Math.log2(2 * ids.length)) - 1
    this.#slots = new Int32Array(2 * (this.#mask + 1))
    ids.forEach((id, row) => {
      let slot = id & this.#mask
      while (this.#slots[2 * slot + 1] !== EMPTY) slot = (slot + 1) & this.#mask
      this.#slots[2 * slot] = id
      this.#slots[2 * slot + 1] = (Math.floor(id / HIGH) << ROW_BITS) | (row + 1)
    })
  }

  /** Reads slots, and then rows, that do not wait for each other, so that the misses of many look-ups overlap. */
  readonly find = (ids: Float64Array, rows: Int32Array): void => {
    const slots = this.#slots
    const mask = this.#mask
    let read = 0
    for (let from = 0; from < ids.length; from += TOGETHER) {
      const to = Math.min(from + TOGETHER, ids.length)
      for (let n = from; n < to; n++) read ^= slots[2 * (ids[n]! & mask)]!
      for (let n = from; n < to; n++) {
        const id = ids[n]!
        rows[n] = id < 0 ? -1 : rowOf(slots, mask, id | 0, (id / HIGH) | 0)
      }
      for (let n = from; n < to; n++) read ^= this.#rows[ROW_WORDS * Math.max(rows[n]!, 0)]!
    }
    this.#read ^= read
  }
}

function rowOf(slots: Int32Array, mask: number, low: number, high: number): number {
  for (let slot = low & mask; ; slot = (slot + 1) & mask) {
    const word = slots[2 * slot + 1]!
    if (word === EMPTY) return -1
    if (slots[2 * slot] === low && word >>> ROW_BITS === high) return (word & ROW) - 1
  }
}

/** A copy that begins with a line of the cache, as the memory of WebAssembly does: then no row of 64 bytes lies in two. */
function inLines(rows: Uint8Array): Uint8Array {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(rows.length / PAGE) })
  const copy = new Uint8Array(memory.buffer, 0, rows.length)
  copy.set(rows)
  return copy
}
