// SKINNY-64/192 nibble by nibble, written down from the paper as one writes it first: the naive form, to be measured against.

const BOX = [12, 6, 9, 0, 1, 10, 2, 11, 3, 8, 5, 13, 4, 14, 7, 15]
const BOX_BACK = BOX.map((_, value) => BOX.indexOf(value))
const PERMUTATION = [9, 15, 8, 13, 10, 14, 12, 11, 0, 1, 2, 3, 4, 5, 6, 7]
const ROUNDS = 40

function nibblesOf(bytes: Uint8Array): number[] {
  const nibbles: number[] = []
  for (const byte of bytes) nibbles.push(byte >> 4, byte & 15)
  return nibbles
}
const lfsr2 = (x: number): number => ((x << 1) & 15) | ((x >> 3) ^ ((x >> 2) & 1))
const lfsr3 = (x: number): number => (x >> 1) | (((x ^ (x >> 3)) & 1) << 3)

/** For each round what is added to the two upper rows, constants included. */
function roundKeys(key: Uint8Array): number[][] {
  let tweakeys = [0, 8, 16].map((from) => nibblesOf(key.subarray(from, from + 8)))
  let constant = 0
  return Array.from({ length: ROUNDS }, () => {
    constant = ((constant << 1) & 63) | ((constant >> 5) ^ ((constant >> 4) & 1) ^ 1)
    const added = Array.from({ length: 8 }, (_, i) => tweakeys.reduce((sum, tweakey) => sum ^ tweakey[i]!, 0))
    added[0]! ^= constant & 15
    added[4]! ^= constant >> 4
    const update = [(x: number) => x, lfsr2, lfsr3]
    tweakeys = tweakeys.map((tweakey, k) =>
      PERMUTATION.map((from, i) => (i < 8 ? update[k]!(tweakey[from]!) : tweakey[from]!)),
    )
    return added
  })
}

function mixColumnsBack(state: readonly number[]): number[] {
  const mixed = new Array<number>(16).fill(0)
  for (let column = 0; column < 4; column++) {
    const [b, d] = [state[4 + column]!, state[12 + column]!]
    mixed[column] = b
    mixed[4 + column] = b ^ state[8 + column]! ^ d
    mixed[8 + column] = b ^ d
    mixed[12 + column] = state[column]! ^ d
  }
  return mixed
}

/** Row r was turned right by r nibbles. */
function shiftRowsBack(state: readonly number[]): number[] {
  const shifted = new Array<number>(16).fill(0)
  for (let i = 0; i < 16; i++) shifted[i] = state[(i & 12) | ((i + (i >> 2)) & 3)]!
  return shifted
}

/** Gives a function that decrypts one block of 8 bytes. */
export function nibbleDecryption(key: Uint8Array): (block: Uint8Array) => Uint8Array {
  const keys = roundKeys(key)
  return (block) => {
    let state = nibblesOf(block)
    for (let round = ROUNDS - 1; round >= 0; round--) {
      state = shiftRowsBack(mixColumnsBack(state))
      state[8]! ^= 2
      for (let i = 0; i < 8; i++) state[i]! ^= keys[round]![i]!
      for (let i = 0; i < 16; i++) state[i] = BOX_BACK[state[i]!]!
    }
    const plain = new Uint8Array(8)
    for (let i = 0; i < 8; i++) plain[i] = (state[2 * i]! << 4) | state[2 * i + 1]!
    return plain
  }
}
