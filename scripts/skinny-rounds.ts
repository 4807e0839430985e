// Writes the rounds of SKINNY-64 as straight-line AssemblyScript: 16 vectors, one for each row and bit plane, four lanes for the
// columns, one bit in a lane for each block. Four rounds are one turn of the loop: by then the S-box has renamed the planes, and
// MixColumns the rows, back to where they were, so that the turn needs no moves.
//
// Two things are worked out here once instead of being computed for every block:
// - NOR costs two instructions. A plane may be kept complemented instead, and then the step is one AND, ANDNOT or OR.
// - A row need not be rotated as long as rows that are added stand alike. Each row has an offset, the lane of its column 0, and
//   only 3 rotations of a row remain of the 6 in two rounds; meanwhile the state drifts by a lane.
// The round tweakeys carry the offsets and complements (src/kernels/skinny-tables.ts), so the kernel never sees them.

/** What the tables must know of one round: the offsets of rows 0 to 2 when the tweakey is added, and their complements. */
export interface RoundLayout {
  readonly offsets: readonly number[]
  /** For rows 0, 1, 2 the planes to flip, as bits; of row 2 only plane 1 may be set. */
  readonly flips: readonly number[]
}

/** How one direction is laid out. After four rounds each offset has grown by `drift`. */
export interface Layout {
  readonly rounds: readonly RoundLayout[]
  readonly drift: number
}

type Four = readonly [number, number, number, number]

const ROUNDS = 4
const ROWS = [0, 1, 2, 3] as const
const NIBBLES = Array.from({ length: 16 }, (_, n) => n)
const BIT1 = 2
const lane = (x: number): number => ((x % 4) + 4) % 4

// Of all plans for two rounds these have the fewest rotations. A name says what is rotated before an addition.
const START: Four = [0, 0, 2, 0]
const FORWARD = [
  ['copy', 'none', 'copy'],
  ['copy', 'none', 'none'],
] as const
const BACK = [
  ['none', 'none', 'copy'],
  ['copy', 'none', 'copy'],
] as const

/** A direction under construction: which register holds which row and plane, and how. */
class Writer {
  readonly lines: string[] = []
  readonly layout: RoundLayout[] = []
  rows = [0, 1, 2, 3]
  planes = [0, 1, 2, 3]
  offsets: number[] = [...START]
  /** Complemented planes of each row, as bits. */
  flips: number[]

  constructor(flips: Four) {
    this.flips = [...flips]
  }

  name(row: number, plane: number): string {
    return `r${this.rows[row]}p${this.planes[plane]}`
  }

  /** plane `to` ^= NOR(plane `x`, plane `y`) for one row. */
  nor(row: number, to: number, x: number, y: number): void {
    const [X, Y, target] = [this.name(row, x), this.name(row, y), this.name(row, to)]
    const [notX, notY] = [(this.flips[row]! >> x) & 1, (this.flips[row]! >> y) & 1]
    let term = `v128.and(${X}, ${Y})`
    if (notX === 0 && notY === 0) term = `v128.or(${X}, ${Y})`
    else if (notX === 0) term = `v128.andnot(${Y}, ${X})`
    else if (notY === 0) term = `v128.andnot(${X}, ${Y})`
    this.lines.push(`${target} = v128.xor(${target}, ${term})`)
    this.flips[row] = norFlips(this.flips[row]!, to, x, y)
  }

  /** row `to` ^= row `from`, which is rotated on the way when the plan says so. */
  add(to: number, from: number, plan: 'none' | 'copy'): void {
    const turn = lane(this.offsets[to]! - this.offsets[from]!)
    if ((turn === 0) !== (plan === 'none')) throw new Error('the plan of rotations does not fit')
    for (const plane of ROWS) {
      const [target, source] = [this.name(to, plane), this.name(from, plane)]
      this.lines.push(`${target} = v128.xor(${target}, ${turn === 0 ? source : rotated(source, turn)})`)
    }
    this.flips[to]! ^= this.flips[from]!
  }

  /** The tweakey and constants of a round, and the complements that rows 0 and 1 and plane 1 of row 2 shall have after it. */
  tweakey(round: number, wanted: readonly [number, number, number]): void {
    const flips = wanted.map((flip, row) => (flip ^ this.flips[row]!) & (row === 2 ? BIT1 : 15))
    this.layout.push({ offsets: this.offsets.slice(0, 3), flips })
    const load = (index: number) => `v128.load(key, ${16 * (9 * round + index)})`
    const add = (row: number, plane: number, index: number) => {
      const target = this.name(row, plane)
      this.lines.push(`${target} = v128.xor(${target}, ${load(index)})`)
    }
    for (const row of [0, 1]) for (const plane of ROWS) add(row, plane, 4 * row + plane)
    add(2, 1, 8)
    flips.forEach((flip, row) => {
      this.flips[row]! ^= flip
    })
  }
}

const rotated = (name: string, turn: number): string =>
  `v128.shuffle<i32>(${name}, ${name}, ${ROWS.map((to) => lane(to - turn)).join(', ')})`

function norFlips(flips: number, to: number, x: number, y: number): number {
  return ((flips >> x) | (flips >> y)) & 1 ? flips : flips ^ (1 << to)
}

// The S-box is four times x0 ^= NOR(x3, x2) with a rotation of the nibble between: the rotation only renames planes.
const STEPS = [
  [0, 3, 2],
  [3, 2, 1],
  [2, 1, 0],
  [1, 0, 3],
] as const
const STEPS_BACK = [
  [0, 3, 2],
  [1, 0, 3],
  [2, 1, 0],
  [3, 2, 1],
] as const

/** Complements after the S-box: the four steps, then plane i is what was plane i + 1 (or, backwards, i - 1). */
function substituted(flips: number, steps: typeof STEPS | typeof STEPS_BACK, renamed: number): number {
  const left = steps.reduce((now, [to, x, y]) => norFlips(now, to, x, y), flips)
  return ROWS.reduce<number>((out, plane) => out | (((left >> ((plane + renamed) & 3)) & 1) << plane), 0)
}
const forward = (flips: number): number => substituted(flips, STEPS, 1)
const backward = (flips: number): number => substituted(flips, STEPS_BACK, 3)

const weight = (flips: readonly number[]): number =>
  flips.reduce((sum, flip) => sum + ROWS.filter((plane) => (flip >> plane) & 1).length, 0)

/** Complements at the start of a round that return after it, as few as possible; with what the tweakey must leave. */
function closing(encrypt: boolean): { readonly start: Four; readonly wanted: readonly [number, number, number] } {
  const found = Array.from({ length: 512 }, (_, n) => {
    const [x, y, z] = [n & 15, (n >> 4) & 15, n >> 8] as const
    if (encrypt) {
      // x and y are rows 1 and 2 at the start; row 2 after the tweakey is c.
      const c = forward(y) ^ (z * BIT1)
      const d = forward(x ^ c)
      return { start: [x ^ c ^ d, x, y, x ^ c] as Four, wanted: [x, y ^ c, c] as const }
    }
    // x and y are rows 0 and 1 after the tweakey. Rows (A, B, C, D) come as a = B, c = B ^ D, b = C ^ c, d = A ^ D.
    const [A, B] = [backward(x), backward(y)]
    return NIBBLES.filter((D) => backward(A ^ D) === D).map((D) => {
      const c = B ^ D ^ (z * BIT1)
      return { start: [A, B, backward(c), D] as Four, wanted: [x, y, c] as const }
    })
  }).flat()
  return found.reduce((best, next) => (weight(next.start) < weight(best.start) ? next : best))
}

function write(encrypt: boolean): { readonly text: string; readonly layout: Layout } {
  const { start, wanted } = closing(encrypt)
  const writer = new Writer(start)
  for (let round = 0; round < ROUNDS; round++) (encrypt ? encryptRound : decryptRound)(writer, round, wanted)
  const drift = lane(writer.offsets[0]! - START[0])
  const closed =
    writer.flips.join() === start.join() &&
    writer.offsets.every((offset, row) => offset === lane(START[row]! + drift)) &&
    [...writer.rows, ...writer.planes].join() === '0,1,2,3,0,1,2,3'
  if (!closed) throw new Error('four rounds do not close')
  return {
    text: functionOf(encrypt ? 'encrypt' : 'decrypt', start, drift, writer.lines),
    layout: { rounds: writer.layout, drift },
  }
}

function encryptRound(writer: Writer, round: number, wanted: readonly [number, number, number]): void {
  for (const row of ROWS) for (const [to, x, y] of STEPS) writer.nor(row, to, x, y)
  writer.planes = ROWS.map((plane) => writer.planes[(plane + 1) & 3]!)
  writer.flips = writer.flips.map((flips) => turned(flips, 1))
  writer.tweakey(round, wanted)
  writer.offsets = writer.offsets.map((offset, row) => lane(offset - row))
  const plan = FORWARD[round % 2]!
  writer.add(1, 2, plan[0])
  writer.add(2, 0, plan[1])
  writer.add(3, 2, plan[2])
  const order = [3, 0, 1, 2]
  writer.rows = order.map((row) => writer.rows[row]!)
  writer.offsets = order.map((row) => writer.offsets[row]!)
  writer.flips = order.map((row) => writer.flips[row]!)
}

function decryptRound(writer: Writer, round: number, wanted: readonly [number, number, number]): void {
  const plan = BACK[round % 2]!
  writer.add(0, 3, plan[0])
  writer.add(3, 1, plan[1])
  writer.add(2, 3, plan[2])
  const order = [1, 2, 3, 0]
  writer.rows = order.map((row) => writer.rows[row]!)
  writer.offsets = order.map((row, to) => lane(writer.offsets[row]! + to))
  writer.flips = order.map((row) => writer.flips[row]!)
  writer.tweakey(round, wanted)
  for (const row of ROWS) for (const [to, x, y] of STEPS_BACK) writer.nor(row, to, x, y)
  writer.planes = ROWS.map((plane) => writer.planes[(plane + 3) & 3]!)
  writer.flips = writer.flips.map((flips) => turned(flips, 3))
}

const turned = (flips: number, by: number): number =>
  ROWS.reduce<number>((out, plane) => out | (((flips >> ((plane + by) & 3)) & 1) << plane), 0)

/** The function around the turn: loads the state, brings it to its offsets and complements, and back when it is done. */
function functionOf(name: string, flips: Four, drift: number, turn: readonly string[]): string {
  const each = (line: (register: string, row: number, plane: number) => string): string[] =>
    ROWS.flatMap((row) => ROWS.map((plane) => line(`r${row}p${plane}`, row, plane))).filter((text) => text !== '')
  const inverted = (register: string, row: number, plane: number) =>
    (flips[row]! >> plane) & 1 ? `v128.not(${register})` : register
  const placed = (register: string, row: number) => (START[row] === 0 ? register : rotated(register, START[row]!))
  const back = (register: string, row: number, plane: number) => {
    const home = START[row] === 0 ? register : rotated(register, lane(-START[row]!))
    return `v128.store(state, ${(flips[row]! >> plane) & 1 ? `v128.not(${home})` : home}, ${16 * (4 * row + plane)})`
  }
  const body = [
    ...each((r, row, plane) => `let ${r} = v128.load(state, ${16 * (4 * row + plane)})`),
    ...each((r, row, plane) => {
      const entry = inverted(placed(r, row), row, plane)
      return entry === r ? '' : `${r} = ${entry}`
    }),
    'for (let turn: i32 = 0; turn < turns; turn++) {',
    ...turn.map((line) => `  ${line}`),
    `  key += ${16 * 9 * ROUNDS}`,
    '}',
    // The drift of an odd number of turns (36 rounds, a key of 16 bytes) is undone here.
    ...(drift === 0 ? [] : ['if (turns & 1) {', ...each((r) => `  ${r} = ${rotated(r, lane(-drift))}`), '}']),
    ...each(back),
  ]
  return `export function ${name}Rounds(state: usize, key: usize, turns: i32): void {\n${body.map((line) => `  ${line}\n`).join('')}}\n`
}

/** The AssemblyScript of both directions and what their tables must know. */
export function skinnyRounds(): { readonly text: string; readonly encrypt: Layout; readonly decrypt: Layout } {
  const [encrypt, decrypt] = [write(true), write(false)]
  return { text: `${encrypt.text}\n${decrypt.text}`, encrypt: encrypt.layout, decrypt: decrypt.layout }
}
