// Which of many keys may have sent an identifier that was heard: identifiers of 128 keys at once, four bytes of each, through a filter
// (asm/rpi.ts). What passes is for the caller to look up; what does not was never heard.
import { loadKernel } from './load.ts'
import { RPI_WASM } from './rpi.generated.ts'

const KEY = 16
/** Keys that are derived together, however few there are. */
export const KEYS_AT_ONCE = 128

/** The four bytes of an identifier that are computed, as a number below 2^32: bytes 0, 13, 10 and 7, from the lowest. */
export const wordOf = (identifiers: Uint8Array, at: number): number =>
  (identifiers[at]! | (identifiers[at + 13]! << 8) | (identifiers[at + 10]! << 16) | (identifiers[at + 7]! << 24)) >>> 0

// So many bits for a word let one word in 64 pass that was not heard: of each filter, so that both together let few pass.
const BITS_A_WORD = 64
const LEAST_BITS = 13

/** Whose words pass from now on. Any number: with very many more others pass, at no other cost here. */
export function filterWords(words: Uint32Array): void {
  loaded ??= load()
  const { memory, filterAt, secondAt, mostBits } = loaded
  const bits = Math.min(mostBits, Math.max(LEAST_BITS, Math.ceil(Math.log2(BITS_A_WORD * words.length))))
  const mask = 2 ** bits - 1
  loaded.shift = 32 - bits
  // The kernel loads four bytes of the first at a time.
  loaded.mask = (mask >>> 3) & ~3
  memory.fill(0, filterAt, filterAt + 2 ** (bits - 3))
  memory.fill(0, secondAt, secondAt + 2 ** (bits - 3))
  for (const word of words) {
    const low = word & mask
    const high = word >>> loaded.shift
    memory[filterAt + (low >>> 3)]! |= 1 << (low & 7)
    memory[secondAt + (high >>> 3)]! |= 1 << (high & 7)
  }
}

/**
 * Derives the words of up to 128 keys (RPIK, rows of 16 bytes) for each of up to 256 intervals, and tells which pass the filter: the row
 * of the key, the index of the interval, and the word.
 */
export function eachPass(
  identifierKeys: Uint8Array,
  intervals: Uint32Array,
  visit: (key: number, interval: number, word: number) => void,
): void {
  loaded ??= load()
  const { memory, words, keysAt, intervalsAt, passesAt } = loaded
  memory.set(identifierKeys, keysAt)
  words.set(intervals, intervalsAt / 4)
  loaded.schedule()
  const count = identifierKeys.length / KEY
  let next = 0
  while (next < intervals.length) {
    next = loaded.probe(next, intervals.length, loaded.mask, loaded.shift)
    const end = passesAt / 4 + 2 * loaded.count()
    for (let at = passesAt / 4; at < end; at += 2) {
      const place = words[at]!
      // Rows of an earlier call fill the rest of the 128.
      const key = 8 * (place & 15) + ((place & 127) >>> 4)
      if (key < count) visit(key, place >>> 7, words[at + 1]!)
    }
  }
}

interface Loaded {
  readonly memory: Uint8Array
  readonly words: Uint32Array
  readonly schedule: () => void
  readonly probe: (from: number, to: number, mask: number, shift: number) => number
  readonly count: () => number
  readonly keysAt: number
  readonly intervalsAt: number
  readonly passesAt: number
  readonly filterAt: number
  readonly secondAt: number
  /** The size of the largest of either filter, as a power of two of bits. */
  readonly mostBits: number
  mask: number
  shift: number
}

let loaded: Loaded | undefined

function load(): Loaded {
  const { memory, call, constant } = loadKernel(RPI_WASM)
  return {
    memory,
    words: new Uint32Array(memory.buffer),
    schedule: call('schedule'),
    probe: call('probe'),
    count: call('count'),
    keysAt: constant('keys'),
    intervalsAt: constant('intervals'),
    passesAt: constant('passes'),
    filterAt: constant('filter'),
    secondAt: constant('second'),
    mostBits: Math.log2(8 * constant('FILTER_BYTES')),
    mask: 0,
    shift: 0,
  }
}
