// SKINNY-64/192 as its paper writes it: nibbles in a 4 by 4 square, row by row, one step after the other.
import type { Hex } from './hex.ts'

type Nibbles = number[]

const ROUNDS = 40
const SBOX = [...'c6901a2b385d4e7f'].map((digit) => Number.parseInt(digit, 16))
const PERMUTATION = [9, 15, 8, 13, 10, 14, 12, 11, 0, 1, 2, 3, 4, 5, 6, 7]

const nibbles = (text: Hex): Nibbles => [...text].map((digit) => Number.parseInt(digit, 16))
const text = (state: Nibbles): Hex => state.map((nibble) => nibble.toString(16)).join('')

function roundConstants(): number[] {
  const constants: number[] = []
  let rc = 0n
  for (let round = 0; round < ROUNDS; round++) {
    const feedback = ((rc >> 5n) ^ (rc >> 4n) ^ 1n) & 1n
    rc = BigInt.asUintN(6, (rc << 1n) | feedback)
    constants.push(Number(rc))
  }
  return constants
}

const second = (x: number): number => ((x << 1) & 15) | (((x >> 3) ^ (x >> 2)) & 1)
const third = (x: number): number => (x >> 1) | (((x ^ (x >> 3)) & 1) << 3)

/** What each round adds to the two upper rows. */
function roundKeys(key: Hex): Nibbles[] {
  let words = [key.slice(0, 16), key.slice(16, 32), key.slice(32, 48)].map(nibbles)
  const keys: Nibbles[] = []
  for (let round = 0; round < ROUNDS; round++) {
    keys.push(Array.from({ length: 8 }, (_, i) => words[0]![i]! ^ words[1]![i]! ^ words[2]![i]!))
    words = words.map((word) => PERMUTATION.map((from) => word[from]!))
    words[1] = words[1]!.map((x, i) => (i < 8 ? second(x) : x))
    words[2] = words[2]!.map((x, i) => (i < 8 ? third(x) : x))
  }
  return keys
}

function addConstants(state: Nibbles, rc: number): Nibbles {
  const next = [...state]
  next[0]! ^= rc & 15
  next[4]! ^= rc >> 4
  next[8]! ^= 2
  return next
}

const addKey = (state: Nibbles, key: Nibbles): Nibbles => state.map((x, i) => x ^ (key[i] ?? 0))

/** Row r turns to the right by r places (`by` = 1), or back (`by` = -1). */
const shiftRows = (state: Nibbles, by: number): Nibbles =>
  state.map((_, i) => {
    const row = Math.floor(i / 4)
    return state[4 * row + ((i - by * row + 16) % 4)]!
  })

function columns(state: Nibbles, mix: (a: number, b: number, c: number, d: number) => number[]): Nibbles {
  const next: Nibbles = [...state]
  for (let column = 0; column < 4; column++) {
    const mixed = mix(state[column]!, state[column + 4]!, state[column + 8]!, state[column + 12]!)
    mixed.forEach((x, row) => {
      next[4 * row + column] = x
    })
  }
  return next
}

export function encrypt(key: Hex, block: Hex): Hex {
  const keys = roundKeys(key)
  let state = nibbles(block)
  roundConstants().forEach((rc, round) => {
    state = state.map((x) => SBOX[x]!)
    state = addKey(addConstants(state, rc), keys[round]!)
    state = shiftRows(state, 1)
    state = columns(state, (a, b, c, d) => [a ^ c ^ d, a, b ^ c, a ^ c])
  })
  return text(state)
}

export function decrypt(key: Hex, block: Hex): Hex {
  const keys = roundKeys(key)
  const constants = roundConstants()
  let state = nibbles(block)
  for (let round = ROUNDS - 1; round >= 0; round--) {
    state = columns(state, (a, b, c, d) => [b, b ^ c ^ d, b ^ d, a ^ d])
    state = shiftRows(state, -1)
    state = addConstants(addKey(state, keys[round]!), constants[round]!)
    state = state.map((x) => SBOX.indexOf(x))
  }
  return text(state)
}
