import { flipBit, type Hex, hex, sha256 } from '../second/hex.ts'
import {
  challengeOf,
  ebidOf,
  eccOf,
  leadingZeros,
  listOf,
  type Pair,
  publicKeyOf,
  type ReplyFields,
  replyOf,
  sealed,
  uploadToken,
} from '../second/messages.ts'
import { at, type Case, COUNTRY, draw, ENCRYPTION_KEY, FEDERATION_KEY, ID, type Sections, serverKeyOf } from './case.ts'

const DAY = 20_517
const FIRST = 384

const pairsOf = (count: number): Pair[] =>
  Array.from({ length: count }, (_, i) => {
    const ebid = ebidOf(serverKeyOf(DAY), FIRST + i, ID)
    return { ebid, ecc: eccOf(FEDERATION_KEY, ebid, COUNTRY) }
  })
const joined = (pairs: readonly Pair[]): Hex => pairs.map(({ ebid, ecc }) => ebid + ecc).join('')

function listCases(): Case[] {
  const sizes = [
    [0, 0],
    [0, 4],
    [1, 1],
    [1, 4],
    [4, 4],
    [95, 96],
    [96, 96],
  ] as const
  const lists = sizes.map(([count, capacity]) => ({
    name: `${count} pairs, room for ${capacity}`,
    input: { firstEpoch: FIRST, pairs: joined(pairsOf(count)), capacity },
    expected: { list: listOf(FIRST, pairsOf(count), capacity) },
  }))
  const last = { firstEpoch: 2 ** 24 - 1, pairs: joined(pairsOf(1)), capacity: 2 }
  const two = listOf(FIRST, pairsOf(2), 2)
  const refused = (name: string, list: Hex): Case => ({ name, input: { list }, expected: { refused: true } })
  return [
    ...lists,
    { name: 'the last epoch', input: last, expected: { list: listOf(last.firstEpoch, pairsOf(1), 2) } },
    refused('a count of one more than there is room for', `${two.slice(0, 8)}0003${two.slice(12)}`),
    refused('a count of 65,535', `${two.slice(0, 8)}ffff${two.slice(12)}`),
    refused('cut in the middle of a pair', two.slice(0, -2)),
    refused('cut in its head', two.slice(0, 10)),
    refused('empty', ''),
  ]
}

function replyCase(name: string, changed: Partial<ReplyFields>): Case {
  const fields: ReplyFields = {
    kind: 2,
    flags: 0,
    serverTime: at('2026-03-05T12:00:00Z'),
    replyId: draw(`reply id, ${name}`, 8),
    nextPoll: 28_800,
    newestDay: 0,
    firstEpoch: FIRST,
    pairs: [],
    ...changed,
  }
  const iv = draw(`iv, ${name}`, 12)
  const plaintext = replyOf(fields)
  return {
    name,
    input: { encryptionKey: ENCRYPTION_KEY, iv, ...fields, pairs: joined(fields.pairs) },
    expected: { plaintext, sealed: sealed(ENCRYPTION_KEY, iv, plaintext) },
  }
}

function replyCases(): Case[] {
  return [
    replyCase('status, not at risk, a day of identifiers', { pairs: pairsOf(96) }),
    replyCase('status, not at risk, one identifier less', { pairs: pairsOf(95) }),
    replyCase('status, at risk, a day of identifiers', { flags: 1, newestDay: 20_511, pairs: pairsOf(96) }),
    replyCase('status, at risk, no identifiers', { flags: 1, newestDay: 20_511 }),
    replyCase('status, one identifier', { pairs: pairsOf(1) }),
    replyCase('unregister', { kind: 3, firstEpoch: 0 }),
    replyCase('delete history', { kind: 4, firstEpoch: 0 }),
    replyCase('renew, two identifiers', { kind: 5, pairs: pairsOf(2) }),
    replyCase('acknowledge', { kind: 6, firstEpoch: 0 }),
    replyCase('reset', { kind: 7, firstEpoch: 0 }),
    replyCase('all numbers zero', { serverTime: 0n, nextPoll: 0, firstEpoch: 0, replyId: hex(0, 8) }),
    replyCase('the last second of era 0', { serverTime: at('2036-02-07T06:28:15Z') }),
    replyCase('the first second of era 1', { serverTime: at('2036-02-07T06:28:16Z') }),
    replyCase('the largest numbers', {
      flags: 1,
      serverTime: 2n ** 48n - 1n,
      nextPoll: 2 ** 32 - 1,
      newestDay: 65_535,
      firstEpoch: 2 ** 24 - 1,
      replyId: 'ff'.repeat(8),
    }),
  ]
}

/** What does not open: a phone takes it like the bytes that every other outcome gets. */
function unopenedCases(): Case[] {
  const good = replyCases()[3]!.expected['sealed'] as Hex
  const unopened = (name: string, bytes: Hex, encryptionKey = ENCRYPTION_KEY): Case => ({
    name: `does not open: ${name}`,
    input: { encryptionKey, sealed: bytes },
    expected: { opens: false },
  })
  return [
    unopened('a bit of the IV', flipBit(good, 3)),
    unopened('the first bit of the ciphertext', flipBit(good, 96)),
    unopened('the last bit of the ciphertext', flipBit(good, 8 * 906 - 1)),
    unopened('the last bit of the tag', flipBit(good, 8 * 922 - 1)),
    unopened('another key', good, draw('another encryption key', 32)),
    unopened('a byte less', good.slice(0, -2)),
    unopened('a byte more', `${good}00`),
    unopened('random bytes', draw('no reply', 922)),
  ]
}

function tokenCases(): Case[] {
  const days = [0, 1, 20_513, 20_514, 24_143, 65_536, 2 ** 32 - 1]
  return days.map((day) => {
    const item = draw(`item of day ${day}`, 21)
    const input = { issuerKey: draw('issuer key', 32), day, item, random: draw(`token random ${day}`, 32) }
    return { name: `day ${day}`, input, expected: uploadToken(input.issuerKey, day, item, input.random) }
  })
}

const CHALLENGE = {
  key: draw('challenge key', 32),
  nonce: draw('challenge nonce', 16),
  publicKey: publicKeyOf(draw('phone private key', 32)),
  expires: at('2026-03-05T12:05:00Z') - at('1970-01-01T00:00:00Z'),
}

function firstSolution(challenge: Hex, difficulty: number): Hex {
  for (let n = 0; ; n++) if (leadingZeros(challenge, hex(n, 8)) >= difficulty) return hex(n, 8)
}

function challengeCases(): Case[] {
  const made = (difficulty: number, changed: Partial<typeof CHALLENGE> = {}): Case => {
    const input = { ...CHALLENGE, difficulty, ...changed }
    const challenge = challengeOf(input.key, difficulty, input.expires, input.nonce, input.publicKey)
    const expected = { challenge, firstSolution: firstSolution(challenge, difficulty) }
    return { name: `difficulty ${difficulty}, expires at ${input.expires}`, input, expected }
  }
  return [
    ...[0, 1, 4, 7, 8, 9, 12].map((difficulty) => made(difficulty)),
    made(6, { expires: 2n ** 31n }),
    made(6, { expires: 2n ** 32n }),
    ...checkedChallenges(),
  ]
}

function checkedChallenges(): Case[] {
  const { key, nonce, publicKey, expires } = CHALLENGE
  const challenge = challengeOf(key, 8, expires, nonce, publicKey)
  const solution = firstSolution(challenge, 8)
  const unsolved = hex(BigInt(`0x${solution}`) - 1n, 8)
  const asked = (name: string, outcome: string, changed: Partial<Record<string, Hex | bigint>>): Case => ({
    name: `checked: ${name}`,
    input: { key, publicKey, challenge, solution, now: expires - 1n, ...changed } as Case['input'],
    expected:
      outcome === 'accepted' ? { accepted: true, spentKey: sha256(challenge).slice(0, 32) } : { refused: outcome },
  })
  return [
    asked('in its last second', 'accepted', {}),
    asked('at its expiry', 'challengeExpired', { now: expires }),
    asked('for another public key', 'challengeForged', { publicKey: publicKeyOf(draw('another phone', 32)) }),
    asked('under another key', 'challengeForged', { key: draw('another challenge key', 32) }),
    asked('with an easier difficulty', 'challengeForged', { challenge: `00${challenge.slice(2)}` }),
    asked('with a later expiry', 'challengeForged', { challenge: flipBit(challenge, 71) }),
    asked('without the work', 'challengeUnsolved', { solution: unsolved }),
  ]
}

export const replySections: Sections = {
  list: listCases(),
  reply: [...replyCases(), ...unopenedCases()],
  token: tokenCases(),
  challenge: challengeCases(),
}
