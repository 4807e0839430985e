import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex, Writer } from '../src/bytes.ts'
import { Malformed } from '../src/outcome.ts'
import { CODE, SEALED_REPLY, SIZE } from '../src/robert/constants.ts'
import { makeList, openFrom, sealFor } from '../src/robert/list.ts'
import { constantReply, openReply, type Reply, sealReply } from '../src/robert/reply.ts'
import { type Epoch, type NtpSeconds, ntpOf, type UtcDay } from '../src/time.ts'
import { ALICE, backEnd, dayAt, holds, randomOf, unix, withBitFlipped } from './fixture.ts'

const REPLY: Reply = {
  kind: CODE.status,
  atRisk: true,
  serverTime: ntpOf(unix('2026-03-05T12:00:00Z')),
  replyId: randomOf('reply id')(SIZE.replyId),
  nextPoll: 28_800,
  exposureDay: dayAt('2026-03-01T00:00:00Z'),
  list: makeList(backEnd, ALICE.id, 768 as Epoch, 96),
}
const sealed = sealReply(ALICE.encryptionKey, REPLY, randomOf('iv'))

/** The fields of a reply with byte strings as text, for comparison. */
const plain = ({ replyId, list, ...rest }: Reply) => ({
  ...rest,
  replyId: toHex(replyId),
  first: list.first,
  pairs: toHex(list.pairs),
})

test('ROBERT §7: a reply opens for the phone that asked, with every field', () => {
  assert.deepEqual(plain(openReply(ALICE.encryptionKey, sealed)!), plain(REPLY))
})

test('ROBERT §7: any reply has 922 bytes, whatever it says', () => {
  assert.equal(SEALED_REPLY, 922)
  const time = fc.oneof(fc.nat(), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1))
  holds(
    fc.property(fc.boolean(), fc.nat(96), time, fc.nat(0xffff), fc.nat(255), (atRisk, count, serverTime, day, kind) => {
      const reply: Reply = {
        ...REPLY,
        kind,
        atRisk,
        serverTime: serverTime as NtpSeconds,
        exposureDay: day as UtcDay,
        list: makeList(backEnd, ALICE.id, 700 as Epoch, count),
      }
      const bytes = sealReply(ALICE.encryptionKey, reply, randomOf('iv'))
      assert.equal(bytes.length, SEALED_REPLY)
      assert.deepEqual(plain(openReply(ALICE.encryptionKey, bytes)!), plain(reply))
    }),
    40,
  )
})

test('ROBERT §7: the plaintext is laid out as kind 1 | flags 1 | time 8 | id 8 | poll 4 | day 2 | first 4 | count 2', () => {
  const head = new Writer(SIZE.reply)
    .uint(1, 2)
    .uint(1, 1)
    .uint(2, 0)
    .uint(6, 2 ** 33)
  head.put(REPLY.replyId).uint(4, 5).uint(2, 6).uint(4, 7).uint(2, 1).put(REPLY.list.pairs.subarray(0, 9))
  const opened = openReply(ALICE.encryptionKey, sealFor(ALICE.encryptionKey, head.bytes, randomOf('iv')))!
  const list = { first: 7 as Epoch, pairs: REPLY.list.pairs.subarray(0, 9) }
  const expected = { ...REPLY, serverTime: (2 ** 33) as NtpSeconds, nextPoll: 5, exposureDay: 6 as UtcDay, list }
  assert.deepEqual(plain(opened), plain(expected))
  assert.equal(head.bytes.length, 30 + 96 * 9)
})

test('ROBERT §7: what is sealed is that layout, with six bytes of time after two zeros', () => {
  const list = { first: 7 as Epoch, pairs: REPLY.list.pairs.subarray(0, 9) }
  const reply: Reply = { ...REPLY, serverTime: (2 ** 48 - 1) as NtpSeconds, list }
  const plaintext = openFrom(ALICE.encryptionKey, sealReply(ALICE.encryptionKey, reply, randomOf('iv')))!
  const fields = ['02', '01', '0000ffffffffffff', toHex(REPLY.replyId), '00007080', '5021', '00000007', '0001']
  assert.equal(toHex(plaintext.subarray(0, 39)), fields.join('') + toHex(list.pairs))
  assert.ok(plaintext.subarray(39).every((byte) => byte === 0))
})

test('ROBERT §7: bit 0 of the flags is "at risk", the others say nothing', () => {
  for (let flags = 0; flags < 256; flags++) {
    const plaintext = new Writer(SIZE.reply).uint(1, 2).uint(1, flags).bytes
    const bytes = sealFor(ALICE.encryptionKey, plaintext, randomOf('iv'))
    assert.equal(openReply(ALICE.encryptionKey, bytes)!.atRisk, (flags & 1) === 1, `flags ${flags}`)
  }
})

test('ROBERT §7 "silently rejected": the constant reply has the same length and opens for nobody', () => {
  const constant = constantReply(randomOf('constant'))
  assert.equal(constant.length, sealed.length)
  assert.equal(openReply(ALICE.encryptionKey, constant), undefined)
  assert.equal(toHex(constant), toHex(randomOf('constant')(SEALED_REPLY)))
})

test('ROBERT §7: a reply that was changed, cut, lengthened or sealed for somebody else does not open', () => {
  for (let bit = 0; bit < 8 * SEALED_REPLY; bit += 7) {
    assert.equal(openReply(ALICE.encryptionKey, withBitFlipped(sealed, bit)), undefined, `bit ${bit}`)
  }
  for (const length of [0, 12, 28, SEALED_REPLY - 1]) {
    assert.equal(openReply(ALICE.encryptionKey, sealed.subarray(0, length)), undefined, `${length} bytes`)
  }
  const long = sealFor(ALICE.encryptionKey, new Uint8Array(SIZE.reply + 1), randomOf('iv'))
  assert.equal(openReply(ALICE.encryptionKey, long), undefined)
  assert.equal(openReply(randomOf('key of Bob')(32), sealed), undefined)
})

test('ROBERT §7: a reply that claims more identifiers than it holds is malformed', () => {
  const claims = new Writer(SIZE.reply).put(new Uint8Array(28)).uint(2, 97).bytes
  const bytes = sealFor(ALICE.encryptionKey, claims, randomOf('iv'))
  assert.throws(
    () => openReply(ALICE.encryptionKey, bytes),
    (error) => error instanceof Malformed && error.field === 'reply.list',
  )
})
