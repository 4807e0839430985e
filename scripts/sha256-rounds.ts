// Writes the rounds of SHA-256 for four lanes as AssemblyScript. The rounds name their variables in turn instead of moving them,
// so a loop has eight. Most words of our blocks are known beforehand, padding and the like: the first 16 rounds are written for the
// place of the known words, and what follows from those alone comes from a table.

const SIGMA0 = [7, 18, 3] as const
const SIGMA1 = [17, 19, 10] as const
const VARIABLES = 'abcdefgh'

/** Words 0 to 15 of a block: a number where known. */
type Block = readonly (number | undefined)[]
const block = (unknown: number, known: (word: number) => number): Block =>
  Array.from({ length: 16 }, (_, word) => (word < unknown ? undefined : known(word)))
const padded = (unknown: number, bits: number): Block =>
  block(unknown, (word) => (word === unknown ? 0x80000000 : word === 15 ? bits : 0))

// The blocks of HMAC: a padded key of 32 bytes (for the inner and the outer hash), and a digest after a block.
const HMAC_BLOCKS = {
  innerKey: block(8, () => 0x36363636),
  outerKey: block(8, () => 0x5c5c5c5c),
  digest: padded(8, 8 * (64 + 32)),
} as const
/** A message of 12 bytes after a block. */
const MESSAGE = padded(3, 8 * (64 + 12))
/** A key of 16 bytes after a block. */
const KEY = padded(4, 8 * (64 + 16))
/** The text "EN-RPIK" and the number of the first block of output, after a block: nothing is unknown. */
const INFO = block(0, (word) => [0x454e2d52, 0x50494b01, 0x80000000][word] ?? (word === 15 ? 8 * (64 + 8) : 0))

/** The first `count` bits of the fraction of the n-th root of x: how SHA-256 gets its constants. */
function rootFraction(x: number, n: 2 | 3): number {
  let root = 0n
  const target = BigInt(x) << BigInt(32 * n)
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if ((root + bit) ** BigInt(n) <= target) root += bit
  return Number(root & 0xffffffffn)
}
const primes = Array.from({ length: 312 }, (_, x) => x).filter(
  (x) => x > 1 && Array.from({ length: x - 2 }, (_, k) => k + 2).every((divisor) => x % divisor !== 0),
)
const K = primes.slice(0, 64).map((prime) => rootFraction(prime, 3))
const INITIAL = primes.slice(0, 8).map((prime) => rootFraction(prime, 2))

const right = (x: number, bits: number): number => (x >>> bits) | (x << (32 - bits))
const sigma = (x: number, [r, s, shift]: readonly [number, number, number]): number =>
  right(x, r) ^ right(x, s) ^ (x >>> shift)
const turned = (x: number, [r, s, t]: readonly [number, number, number]): number =>
  right(x, r) ^ right(x, s) ^ right(x, t)

/** The part of word t that the known words make up. */
function knownPart(words: Block, t: number): number {
  const term = (word: number, f: (x: number) => number) => (words[word] === undefined ? 0 : f(words[word]))
  const same = (x: number) => x
  const low = term(t - 15, (x) => sigma(x, SIGMA0))
  return (term(t - 16, same) + low + term(t - 7, same) + term(t - 2, (x) => sigma(x, SIGMA1))) >>> 0
}

/** For each of the first 16 rounds its constant, known word added; then the known part of words 16 to 31. */
const tableOf = (words: Block): number[] => [
  ...Array.from({ length: 16 }, (_, t) => (K[t]! + (words[t] ?? 0)) >>> 0),
  ...Array.from({ length: 16 }, (_, t) => knownPart(words, t + 16)),
]

/** All 64 words of a block that is known, each with its constant. */
function scheduleOf(words: Block): number[] {
  const w = words.map((word) => word!)
  for (let t = 16; t < 64; t++) w.push(knownPart(w.slice(t - 16), 16))
  return w.map((word, t) => (word + K[t]!) >>> 0)
}

/** The state after one known block, from the initial one. */
function compressed(words: Block): number[] {
  let [a, b, c, d, e, f, g, h] = INITIAL as [number, number, number, number, number, number, number, number]
  for (const wk of scheduleOf(words)) {
    const choice = (e & f) ^ (~e & g)
    const first = (h + turned(e, [6, 11, 25]) + choice + wk) | 0
    const second = (turned(a, [2, 13, 22]) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    ;[a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g]
  }
  return [a, b, c, d, e, f, g, h].map((word, k) => (word + INITIAL[k]!) >>> 0)
}

const load = (word: number): string => `v128.load(w, ${16 * word})`
const splat = (entry: number): string => `v128.load32_splat(k, ${4 * entry})`
const sum = (terms: readonly string[]): string => terms.reduce((left, right) => `i32x4.add(${left}, ${right})`)

/** One round. Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)), and b ^ c is what a ^ b was a round ago: y and z in turn. */
function round(t: number, wk: string): string[] {
  const [a, b, , d, e, f, g, h] = Array.from(VARIABLES, (_, k) => VARIABLES[(k + 8 - (t % 8)) % 8]!)
  const [now, before] = t % 2 === 0 ? ['y', 'z'] : ['z', 'y']
  return [
    `${now} = v128.xor(${a}, ${b})`,
    `t = first(${e}, ${f}, ${g}, ${h}, ${wk})`,
    `${h} = second(${a}, v128.xor(${b}, v128.and(${now}, ${before})))`,
    `${d} = i32x4.add(${d}, t)`,
    `${h} = i32x4.add(t, ${h})`,
  ]
}

/** Word t + 16, stored; `w` stands at word 0 of a turn. */
const schedule = (t: number, terms: readonly string[]): string => `v128.store(w, ${sum(terms)}, ${16 * (t + 16)})`

/** The first 16 rounds for blocks whose known words are in the same places. */
function start(name: string, blocks: readonly Block[]): string {
  const known = (word: number) => word < 16 && blocks[0]![word] !== undefined
  const lines = Array.from({ length: 16 }, (_, t) => {
    const terms = [
      ...(known(t) ? [] : [load(t)]),
      ...(known(t + 1) ? [] : [`low(${load(t + 1)})`]),
      ...(known(t + 9) ? [] : [load(t + 9)]),
      ...(known(t + 14) ? [] : [`high(${load(t + 14)})`]),
      ...(blocks.every((words) => knownPart(words, t + 16) === 0) ? [] : [splat(16 + t)]),
    ]
    return [...round(t, known(t) ? splat(t) : sum([load(t), splat(t)])), schedule(t, terms)]
  }).flat()
  return functionOf(`${name}(from: usize, to: usize, w: usize, k: usize)`, [...lines, ...stores((name) => name)])
}

/** Rounds 16 to 63, and the addition of the state before the block. */
function rest(): string {
  const turn = (lines: (t: number) => string[], end: number) => [
    `while (w < end - ${16 * end}) {`,
    ...Array.from({ length: 8 }, (_, t) => lines(t).map((line) => `  ${line}`)).flat(),
    '  w += 128',
    '  k += 32',
    '}',
  ]
  const scheduled = (t: number) => {
    const terms = [load(t), `low(${load(t + 1)})`, load(t + 9), `high(${load(t + 14)})`]
    return [...round(t, sum([load(t), splat(t)])), schedule(t, terms)]
  }
  const plain = (t: number) => round(t, sum([load(t), splat(t)]))
  const lines = ['const end = w + 768', ...turn(scheduled, 16), ...turn(plain, 0)]
  const added = (name: string, k: number) => `i32x4.add(${name}, v128.load(before, ${16 * k}))`
  return functionOf('rest(from: usize, before: usize, to: usize, w: usize, k: usize)', [...lines, ...stores(added)])
}

/** A block that is known whole: only its constants are left. */
function whole(): string {
  const turn = Array.from({ length: 8 }, (_, t) => round(t, splat(t)).map((line) => `  ${line}`)).flat()
  const lines = ['const end = k + 256', 'while (k < end) {', ...turn, '  k += 32', '}']
  const added = (name: string, k: number) => `i32x4.add(${name}, v128.load(from, ${16 * k}))`
  return functionOf('whole(from: usize, to: usize, k: usize)', [...lines, ...stores(added)])
}

const stores = (value: (name: string, k: number) => string): string[] =>
  Array.from(VARIABLES, (name, k) => `v128.store(to, ${value(name, k)}, ${16 * k})`)

function functionOf(signature: string, lines: readonly string[]): string {
  const loads = Array.from(VARIABLES, (name, k) => `let ${name} = v128.load(from, ${16 * k})`)
  const body = [...loads, 'let t: v128', 'let y: v128', 'let z = v128.xor(b, c)', ...lines]
  return `export function ${signature}: void {\n${body.map((line) => `  ${line}\n`).join('')}}\n`
}

const HELPERS = `@inline function first(e: v128, f: v128, g: v128, h: v128, wk: v128): v128 {
  const sum = v128.xor(v128.xor(right(e, 6), right(e, 11)), right(e, 25))
  const choice = v128.xor(g, v128.and(e, v128.xor(f, g)))
  return i32x4.add(i32x4.add(i32x4.add(h, wk), choice), sum)
}
@inline function second(a: v128, majority: v128): v128 {
  return i32x4.add(v128.xor(v128.xor(right(a, 2), right(a, 13)), right(a, 22)), majority)
}
@inline function low(x: v128): v128 {
  return v128.xor(v128.xor(right(x, 7), right(x, 18)), i32x4.shr_u(x, 3))
}
@inline function high(x: v128): v128 {
  return v128.xor(v128.xor(right(x, 17), right(x, 19)), i32x4.shr_u(x, 10))
}
@inline function right(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits))
}
`

const data = (name: string, words: readonly number[]): string =>
  `export const ${name}: usize = memory.data<u32>([${words.map((word) => `0x${word.toString(16)}`).join(', ')}], 16)\n`

/** Words, each in all four lanes. */
const lanes = (name: string, words: readonly number[]): string =>
  data(
    name,
    words.flatMap((word) => [word, word, word, word]),
  )

/** What every HMAC needs: constants of rounds 16 to 63, the initial state, its known blocks with their rounds. */
const common = (): string[] => [
  data('later', K.slice(16)),
  lanes('initial', INITIAL),
  ...Object.entries(HMAC_BLOCKS).map(([name, words]) => data(name, tableOf(words))),
  start('startEight', Object.values(HMAC_BLOCKS)),
  rest(),
  HELPERS,
]

/** The AssemblyScript of the rounds of HMAC over messages of 12 bytes. */
export const hmacRounds = (): string =>
  [...common(), data('message', tableOf(MESSAGE)), start('startMessage', [MESSAGE])].join('\n')

/** The same of HKDF over keys of 16 bytes without salt, whose first key is zeros, to "EN-RPIK" (GAEN: Cryptography v1.2.1). */
export const hkdfRounds = (): string =>
  [
    ...common(),
    data('key', tableOf(KEY)),
    start('startKey', [KEY]),
    data('info', scheduleOf(INFO)),
    whole(),
    lanes('saltInner', compressed(block(0, () => 0x36363636))),
    lanes('saltOuter', compressed(block(0, () => 0x5c5c5c5c))),
  ].join('\n')
