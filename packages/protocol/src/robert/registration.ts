import { equalBytes, hmacSha256, sha256 } from '#crypto'
import { ascii, concat, type Random, Reader, Writer } from '../bytes.ts'
import { accepted, type Outcome, refused } from '../outcome.ts'
import type { UnixSeconds } from '../time.ts'

// The proof of work of ROBERT §3.3, a hash puzzle: no third party and no picture to read. A challenge is
// difficulty 1 | expiry 8 | nonce 16 | MAC 32; the MAC binds it to one public key, so nothing is stored until it is spent.
const EXPIRY = 8
const NONCE = 16
const MAC = 32
export const CHALLENGE: number = 1 + EXPIRY + NONCE + MAC
/** Bytes of a solution. */
export const SOLUTION = 8

const macOf = (key: Uint8Array, head: Uint8Array, publicKey: Uint8Array): Uint8Array =>
  hmacSha256(key, concat(ascii('registration challenge'), head, publicKey))

export function makeChallenge(
  key: Uint8Array,
  publicKey: Uint8Array,
  difficulty: number,
  expires: UnixSeconds,
  random: Random,
): Uint8Array {
  const head = new Writer(CHALLENGE - MAC).uint(1, difficulty).uint(2, 0).uint(6, expires).put(random(NONCE)).bytes
  return concat(head, macOf(key, head, publicKey))
}

/** Whether SHA-256(challenge | solution) begins with as many zero bits as the challenge demands. */
function solves(challenge: Uint8Array, solution: Uint8Array): boolean {
  const hash = sha256(concat(challenge, solution))
  const difficulty = challenge[0]!
  for (let bit = 0; bit < difficulty; bit++) {
    if (((hash[bit >> 3]! >> (7 - (bit & 7))) & 1) !== 0) return false
  }
  return true
}

/** Searches a solution: 2^difficulty hashes on average. Long: hosts run it apart from what must answer. */
export function solveChallenge(challenge: Uint8Array): Uint8Array {
  const attempt = (n: number) => new Writer(SOLUTION).uint(2, 0).uint(6, n).bytes
  let n = 0
  while (!solves(challenge, attempt(n))) n++
  return attempt(n)
}

export type ChallengeRefusal = 'challengeForged' | 'challengeExpired' | 'challengeUnsolved'

/** Checks a solved challenge, and gives the 16 bytes under which it is spent. Comes before the key agreement: it is cheap. */
export function checkChallenge(
  key: Uint8Array,
  publicKey: Uint8Array,
  challenge: Uint8Array,
  solution: Uint8Array,
  at: UnixSeconds,
): Outcome<{ readonly spentKey: Uint8Array; readonly expires: UnixSeconds }, ChallengeRefusal> {
  const reader = new Reader(challenge, CHALLENGE, 'challenge')
  const head = challenge.subarray(0, CHALLENGE - MAC)
  if (!equalBytes(macOf(key, head, publicKey), challenge.subarray(CHALLENGE - MAC))) return refused('challengeForged')
  reader.uint(3)
  const expires = reader.uint(6) as UnixSeconds
  if (at >= expires) return refused('challengeExpired')
  if (!solves(challenge, solution)) return refused('challengeUnsolved')
  return accepted({ spentKey: sha256(challenge).subarray(0, 16), expires })
}
