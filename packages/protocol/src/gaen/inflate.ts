// Inflates (RFC 1951) what strangers packed. The library that deflates builds tables of 128 kB for every block, and takes codes that no
// deflater makes: a file of 20 MB then costs minutes. Here tables are small, codes complete, and blocks counted.
import { Malformed } from '../outcome.ts'
import type { Source } from './archive-reader.ts'

/** Bytes that are read at a time. */
const PIECE = 4096
/** Distances reach so far back. */
const WINDOW = 32_768
const LONGEST_COPY = 258
const LONGEST_CODE = 15
/** Deflaters make blocks of thousands of bytes: more blocks than one for so many, and a few, are there to cost time. */
const LEAST_BLOCK = 1024
const SOME_BLOCKS = 64

const malformed = (): Malformed => new Malformed('archive', 'files that inflate')

// ---- Codes (§3.2.2)

/** Codes up to so many bits are looked up at once. */
const ROOT = 10

interface Code {
  /** By the next `ROOT` bits: symbol * 16 + length, or 0 for codes that are longer or none. */
  readonly root: Uint16Array
  /** How many codes have each length. */
  readonly counts: Uint16Array
  /** By length, then by number. */
  readonly symbols: Uint16Array
}

const emptyCode = (): Code => ({
  root: new Uint16Array(1 << ROOT),
  counts: new Uint16Array(LONGEST_CODE + 1),
  symbols: new Uint16Array(288),
})

/** Makes the code of these lengths, a byte a symbol. Throws `Malformed` unless every string of bits is some code. */
function setCode(code: Code, lengths: Uint8Array): void {
  const { root, counts, symbols } = code
  counts.fill(0)
  for (const length of lengths) counts[length]!++
  const used = lengths.length - counts[0]!
  counts[0] = 0
  let free = 1
  const places = new Uint16Array(LONGEST_CODE + 2)
  for (let length = 1; length <= LONGEST_CODE; length++) {
    free = 2 * free - counts[length]!
    if (free < 0) throw malformed()
    places[length + 1] = places[length]! + counts[length]!
  }
  // A lone distance has a code of one bit, none has none.
  if (free > 0 && !(used === 0 || (used === 1 && counts[1] === 1))) throw malformed()
  for (const [symbol, length] of lengths.entries()) if (length > 0) symbols[places[length]!++] = symbol
  setRoot(root, counts, symbols)
}

function setRoot(root: Uint16Array, counts: Uint16Array, symbols: Uint16Array): void {
  root.fill(0)
  let code = 0
  let at = 0
  for (let length = 1; length <= ROOT; length++) {
    for (let k = 0; k < counts[length]!; k++) {
      // Codes begin at their first bit, numbers at their last.
      let reversed = 0
      for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit)
      for (let place = reversed; place < root.length; place += 1 << length) root[place] = symbols[at]! * 16 + length
      at++
      code++
    }
    code <<= 1
  }
}

// ---- Tables of §3.2.5 to §3.2.7

const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const
const END_OF_BLOCK = 256
const LENGTH_SYMBOLS = 29
const DISTANCE_SYMBOLS = 30

/** Values of symbols that stand for ranges: `steps` symbols of each number of further bits. */
function ranges(count: number, first: number, steps: number): { bases: Uint16Array; extra: Uint8Array } {
  const bases = new Uint16Array(count)
  const extra = new Uint8Array(count)
  let base = first
  for (let k = 0; k < count; k++) {
    extra[k] = Math.max(0, Math.floor(k / steps) - 1)
    bases[k] = base
    base += 1 << extra[k]!
  }
  return { bases, extra }
}
const LENGTHS = ranges(LENGTH_SYMBOLS, 3, 4)
// The longest length has a symbol of its own.
LENGTHS.bases[LENGTH_SYMBOLS - 1] = LONGEST_COPY
LENGTHS.extra[LENGTH_SYMBOLS - 1] = 0
const DISTANCES = ranges(DISTANCE_SYMBOLS, 1, 2)

const FIXED_LITERALS = Uint8Array.from({ length: 288 }, (_, k) => (k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8))
const FIXED_DISTANCES = new Uint8Array(32).fill(5)

// ---- The stream

class Inflater {
  readonly #source: Source
  readonly #end: number
  readonly #most: number
  readonly #take: (piece: Uint8Array) => void
  readonly #literals = emptyCode()
  readonly #distances = emptyCode()
  /** Where the next piece begins. */
  #next: number
  #piece: Uint8Array = new Uint8Array(0)
  #at = 0
  #bits = 0
  #count = 0
  /** Zeros that were read behind the end, since codes are looked up before their length is known. */
  #beyond = 0
  readonly #window = new Uint8Array(2 * WINDOW)
  #filled = 0
  /** Up to here the window was given away. */
  #given = 0
  #made = 0

  constructor(source: Source, from: number, to: number, most: number, take: (piece: Uint8Array) => void) {
    this.#source = source
    this.#next = from
    this.#end = to
    this.#most = most
    this.#take = take
  }

  run(): void {
    const mostBlocks = SOME_BLOCKS + this.#most / LEAST_BLOCK
    for (let block = 0, isLast = 0; isLast === 0; block++) {
      if (block > mostBlocks) throw malformed()
      isLast = this.#read(1)
      this.#block(this.#read(2))
    }
    // Fewer than eight bits may be left over.
    if (this.#next < this.#end || this.#at < this.#piece.length || this.#count - 8 * this.#beyond >= 8)
      throw malformed()
    this.#give()
  }

  #block(kind: number): void {
    if (kind === 0) this.#stored()
    else if (kind === 1) {
      setCode(this.#literals, FIXED_LITERALS)
      setCode(this.#distances, FIXED_DISTANCES)
      this.#coded()
    } else if (kind === 2) {
      this.#readCodes()
      this.#coded()
    } else throw malformed()
    // What was decoded from zeros behind the end was not there.
    if (this.#count < 8 * this.#beyond) throw malformed()
  }

  #byte(): number {
    if (this.#at === this.#piece.length) {
      if (this.#next === this.#end) {
        if (++this.#beyond > 4) throw malformed()
        return 0
      }
      this.#piece = this.#source.read(this.#next, Math.min(PIECE, this.#end - this.#next))
      this.#next += this.#piece.length
      this.#at = 0
    }
    return this.#piece[this.#at++]!
  }

  /** The next bits, at most 16, without passing them. */
  #look(bits: number): number {
    while (this.#count < bits) {
      this.#bits |= this.#byte() << this.#count
      this.#count += 8
    }
    return this.#bits & ((1 << bits) - 1)
  }

  #pass(bits: number): void {
    this.#bits >>>= bits
    this.#count -= bits
  }

  #read(bits: number): number {
    const value = this.#look(bits)
    this.#pass(bits)
    return value
  }

  #symbol({ root, counts, symbols }: Code): number {
    const bits = this.#look(LONGEST_CODE)
    const entry = root[bits & (root.length - 1)]!
    if (entry !== 0) {
      this.#pass(entry & 15)
      return entry >> 4
    }
    let code = 0
    let first = 0
    let at = 0
    for (let length = 1; length <= LONGEST_CODE; length++) {
      code |= (bits >> (length - 1)) & 1
      const count = counts[length]!
      if (code - first < count) {
        this.#pass(length)
        return symbols[at + code - first]!
      }
      at += count
      first = (first + count) << 1
      code <<= 1
    }
    throw malformed()
  }

  /** §3.2.7: the codes of a block, themselves in a code. */
  #readCodes(): void {
    const literals = this.#read(5) + 257
    const distances = this.#read(5) + 1
    const count = this.#read(4) + 4
    if (literals > 257 + LENGTH_SYMBOLS || distances > DISTANCE_SYMBOLS) throw malformed()
    const orders = new Uint8Array(CODE_ORDER.length)
    for (let k = 0; k < count; k++) orders[CODE_ORDER[k]!] = this.#read(3)
    setCode(this.#literals, orders)
    const lengths = new Uint8Array(literals + distances)
    for (let k = 0; k < lengths.length; ) k = this.#readLengths(lengths, k)
    if (lengths[END_OF_BLOCK] === 0) throw malformed()
    setCode(this.#literals, lengths.subarray(0, literals))
    setCode(this.#distances, lengths.subarray(literals))
  }

  /** One length, or several that are equal; where the next is. */
  #readLengths(lengths: Uint8Array, at: number): number {
    const symbol = this.#symbol(this.#literals)
    if (symbol < 16) {
      lengths[at] = symbol
      return at + 1
    }
    if (symbol === 16 && at === 0) throw malformed()
    const value = symbol === 16 ? lengths[at - 1]! : 0
    const end = at + (symbol === 16 ? 3 + this.#read(2) : symbol === 17 ? 3 + this.#read(3) : 11 + this.#read(7))
    if (end > lengths.length) throw malformed()
    lengths.fill(value, at, end)
    return end
  }

  #coded(): void {
    for (;;) {
      const symbol = this.#symbol(this.#literals)
      if (symbol < END_OF_BLOCK) this.#put(symbol)
      else if (symbol === END_OF_BLOCK) return
      else this.#copy(symbol - END_OF_BLOCK - 1)
    }
  }

  #copy(lengthSymbol: number): void {
    if (lengthSymbol >= LENGTH_SYMBOLS) throw malformed()
    const length = LENGTHS.bases[lengthSymbol]! + this.#read(LENGTHS.extra[lengthSymbol]!)
    const symbol = this.#symbol(this.#distances)
    if (symbol >= DISTANCE_SYMBOLS) throw malformed()
    const distance = DISTANCES.bases[symbol]! + this.#read(DISTANCES.extra[symbol]!)
    if (distance > this.#made) throw malformed()
    this.#reserve()
    // Byte by byte, because what is copied may overlap what it makes.
    const window = this.#window
    const end = this.#filled + length
    for (let at = this.#filled; at < end; at++) window[at] = window[at - distance]!
    this.#filled = end
    this.#made += length
  }

  /** §3.2.4: bytes as they are, from the next whole byte on. */
  #stored(): void {
    this.#pass(this.#count % 8)
    const length = this.#read(16)
    if ((length ^ this.#read(16)) !== 0xffff) throw malformed()
    for (let k = 0; k < length; k++) this.#put(this.#read(8))
  }

  #put(byte: number): void {
    this.#reserve()
    this.#window[this.#filled++] = byte
    this.#made++
  }

  /** Makes room for the longest copy. */
  #reserve(): void {
    if (this.#filled + LONGEST_COPY <= this.#window.length) return
    this.#give()
    this.#window.copyWithin(0, this.#filled - WINDOW, this.#filled)
    this.#filled = WINDOW
    this.#given = WINDOW
  }

  #give(): void {
    if (this.#made > this.#most) throw new Malformed('archive', 'files of the announced length')
    this.#take(this.#window.subarray(this.#given, this.#filled))
    this.#given = this.#filled
  }
}

/**
 * Inflates the bytes from `from` to before `to`, to at most `most` bytes. `take` is given views that hold during the call. About 100 kB
 * are in memory at a time. Throws `Malformed` for what is no whole stream, and for more bytes than `most`.
 */
export function inflate(
  source: Source,
  from: number,
  to: number,
  most: number,
  take: (piece: Uint8Array) => void,
): void {
  new Inflater(source, from, to, most, take).run()
}
