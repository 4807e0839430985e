import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, toHex, Writer } from '../src/bytes.ts'
import { drawPrivateKey, publicPoint, sha256 } from '../src/crypto/node.ts'
import { Malformed } from '../src/outcome.ts'
import { agreeKeys } from '../src/robert/keys.ts'
import { SPEC } from '../src/robert/profile.ts'
import { CHALLENGE, checkChallenge, makeChallenge, SOLUTION, solveChallenge } from '../src/robert/registration.ts'
import { later } from '../src/time.ts'
import { randomOf, unix, withBitFlipped } from './fixture.ts'

const KEY = randomOf('challenge key')(32)
const POINT = publicPoint(randomOf('phone')(32))
const NOW = unix('2026-03-05T12:00:00Z')
const EXPIRES = later(NOW, 300)

const challengeOf = (difficulty: number, name = 'nonce') =>
  makeChallenge(KEY, POINT, difficulty, EXPIRES, randomOf(name))
const CHALLENGED = challengeOf(8)
const SOLVED = solveChallenge(CHALLENGED)

/** A solution that the puzzle does not accept: the first after the found one that fails. */
function wrongSolution(challenge: Uint8Array): Uint8Array {
  for (let bit = 0; ; bit++) {
    const solution = withBitFlipped(solveChallenge(challenge), bit)
    if (!checkChallenge(KEY, POINT, challenge, solution, NOW).ok) return solution
  }
}

test('ROBERT §3.3: a solved challenge is accepted, and names the key under which it is spent', () => {
  assert.equal(CHALLENGED.length, CHALLENGE)
  assert.equal(SOLVED.length, SOLUTION)
  const outcome = checkChallenge(KEY, POINT, CHALLENGED, SOLVED, NOW)
  assert.ok(outcome.ok)
  assert.equal(outcome.value.expires, EXPIRES)
  assert.equal(outcome.value.spentKey.length, 16)
})

test('ROBERT §3.3: the same challenge is spent under one key, however it was solved; another under another', () => {
  const easy = challengeOf(0)
  const spent = ['a', 'b'].map((name) => {
    const outcome = checkChallenge(KEY, POINT, easy, randomOf(name)(SOLUTION), NOW)
    assert.ok(outcome.ok)
    return toHex(outcome.value.spentKey)
  })
  assert.equal(spent[0], spent[1])
  const other = checkChallenge(KEY, POINT, challengeOf(0, 'other nonce'), new Uint8Array(SOLUTION), NOW)
  assert.ok(other.ok)
  assert.notEqual(toHex(other.value.spentKey), spent[0])
})

test('ROBERT §3.3: a challenge is good for one public key and one issuer', () => {
  const refusal = { ok: false, reason: 'challengeForged' }
  const other = publicPoint(randomOf('other phone')(32))
  assert.deepEqual(checkChallenge(KEY, other, CHALLENGED, SOLVED, NOW), refusal)
  assert.deepEqual(checkChallenge(randomOf('other key')(32), POINT, CHALLENGED, SOLVED, NOW), refusal)
})

test('ROBERT §3.3: a challenge with any bit changed is forged, its difficulty and expiry above all', () => {
  for (let bit = 0; bit < 8 * CHALLENGE; bit++) {
    const forged = withBitFlipped(CHALLENGED, bit)
    const outcome = checkChallenge(KEY, POINT, forged, SOLVED, NOW)
    assert.deepEqual(outcome, { ok: false, reason: 'challengeForged' }, `bit ${bit}`)
  }
})

test('ROBERT §3.3: a challenge expires at its second', () => {
  assert.ok(checkChallenge(KEY, POINT, CHALLENGED, SOLVED, later(EXPIRES, -1)).ok)
  const refusal = { ok: false, reason: 'challengeExpired' }
  assert.deepEqual(checkChallenge(KEY, POINT, CHALLENGED, SOLVED, EXPIRES), refusal)
  assert.deepEqual(checkChallenge(KEY, POINT, CHALLENGED, SOLVED, later(EXPIRES, 86_400)), refusal)
})

test('ROBERT §3.3: a challenge that was not solved is refused', () => {
  const outcome = checkChallenge(KEY, POINT, CHALLENGED, wrongSolution(CHALLENGED), NOW)
  assert.deepEqual(outcome, { ok: false, reason: 'challengeUnsolved' })
  assert.deepEqual(checkChallenge(KEY, POINT, CHALLENGED, new Uint8Array(0), NOW), outcome)
})

test('ROBERT §3.3: a challenge is difficulty 1 | expiry 8 | nonce 16 | MAC 32, a solution 8 bytes', () => {
  const head = new Writer(25).uint(1, 8).uint(2, 0).uint(6, EXPIRES).put(randomOf('nonce')(16)).bytes
  assert.equal(toHex(CHALLENGED.subarray(0, 25)), toHex(head))
  assert.deepEqual([CHALLENGED.length, SOLVED.length], [57, 8])
})

test('ROBERT §3.3: a solution is accepted when SHA-256(challenge | solution) begins with so many zero bits', () => {
  const counts = { accepted: 0, refused: 0 }
  for (let difficulty = 0; difficulty <= 12; difficulty++) {
    const challenge = challengeOf(difficulty)
    for (let n = 0; n < 60; n++) {
      const solution = n === 0 ? solveChallenge(challenge) : randomOf(`${n}`)(SOLUTION)
      const bits = BigInt(`0x01${toHex(sha256(concat(challenge, solution)))}`).toString(2)
      const solved = bits.slice(1).startsWith('0'.repeat(difficulty))
      assert.equal(checkChallenge(KEY, POINT, challenge, solution, NOW).ok, solved, `${difficulty} bits`)
      counts[solved ? 'accepted' : 'refused']++
    }
  }
  assert.ok(counts.accepted > 100 && counts.refused > 100)
})

test('ROBERT §3.3: each bit of difficulty doubles the search', () => {
  const tries = (difficulty: number) =>
    Array.from({ length: 40 }, (_, k) => solveChallenge(challengeOf(difficulty, `${k}`)))
      .map((solution) => Number.parseInt(toHex(solution), 16))
      .reduce((sum, n) => sum + n + 1, 0) / 40
  assert.equal(tries(0), 1)
  for (const difficulty of [4, 7]) {
    const ratio = tries(difficulty) / 2 ** difficulty
    assert.ok(ratio > 0.5 && ratio < 2, `${difficulty} bits: ${ratio} of the expected tries`)
  }
})

test('ROBERT §3.3: a challenge of another length is malformed', () => {
  for (const length of [0, CHALLENGE - 1, CHALLENGE + 1]) {
    assert.throws(
      () => checkChallenge(KEY, POINT, new Uint8Array(length), SOLVED, NOW),
      (error) => error instanceof Malformed && error.field === 'challenge',
    )
  }
})

test('ROBERT §3.3: phone and back-end agree on the same two keys, and two phones on different ones', () => {
  const random = randomOf('key pairs')
  const [phone, server, other] = [drawPrivateKey(random), drawPrivateKey(random), drawPrivateKey(random)]
  const mine = agreeKeys(SPEC, phone, publicPoint(server))!
  const theirs = agreeKeys(SPEC, server, publicPoint(phone))!
  assert.equal(toHex(mine.authenticationKey), toHex(theirs.authenticationKey))
  assert.equal(toHex(mine.encryptionKey), toHex(theirs.encryptionKey))
  const another = agreeKeys(SPEC, other, publicPoint(server))!
  const keys = [mine, another].flatMap((keys) => [toHex(keys.authenticationKey), toHex(keys.encryptionKey)])
  assert.equal(new Set(keys).size, 4)
})

test('ROBERT §3.3: there is no agreement with a point that is refused', () => {
  assert.equal(agreeKeys(SPEC, randomOf('phone')(32), POINT.subarray(0, 33)), undefined)
  assert.equal(agreeKeys(SPEC, randomOf('phone')(32), withBitFlipped(POINT, 519)), undefined)
})
