import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, toHex, Writer } from '../src/bytes.ts'
import { Malformed } from '../src/outcome.ts'
import { epochOfBlock, idOfBlock, makeEbids, openEbids, serverKeyOf } from '../src/robert/ebid.ts'
import { lastDayOfBundle, makeList, makeLists, openFrom, packList, sealFor, unpackList } from '../src/robert/list.ts'
import { type Calendar, dayOfEpoch, type Epoch, firstEpochOfDay } from '../src/time.ts'
import {
  ALICE,
  backEnd,
  calendar,
  dayAt,
  FRANCE,
  holds,
  pairOf,
  randomOf,
  SERVICE_START,
  serverKeyOfDay,
  withBitFlipped,
  withDays,
} from './fixture.ts'

const DAY = dayAt('2026-03-05T00:00:00Z')
const MIDNIGHT = firstEpochOfDay(calendar, DAY)
const epochs = (first: number) => first as Epoch

test('ROBERT §4: each pair holds the EBID of its epoch, of the user, under the server key of its day, and its ECC', () => {
  const list = makeList(backEnd, ALICE.id, epochs(MIDNIGHT - 3), 200)
  assert.equal(list.first, MIDNIGHT - 3)
  assert.equal(list.pairs.length, 200 * 9)
  for (let k = 0; k < 200; k++) {
    const ebid = list.pairs.slice(9 * k, 9 * k + 8)
    assert.equal(list.pairs[9 * k + 8]! ^ backEnd.federation(ebid)[0]!, FRANCE)
    openEbids(serverKeyOfDay(dayOfEpoch(calendar, epochs(MIDNIGHT - 3 + k))), ebid)
    assert.equal(epochOfBlock(ebid, 0), MIDNIGHT - 3 + k)
    assert.equal(idOfBlock(ebid, 0), ALICE.id)
  }
})

test('ROBERT §4: a list is the same made whole or epoch by epoch, for every calendar', () => {
  const durations = fc.constantFrom(300, 600, 900, 1200)
  const first = fc.integer({ min: 0, max: 2000 })
  holds(
    fc.property(durations, fc.nat(86_399), first, fc.nat(300), (epochDuration, shift, from, count) => {
      const odd: Calendar = { serviceStart: (SERVICE_START + shift) as typeof SERVICE_START, epochDuration }
      const context = { ...backEnd, calendar: odd }
      const whole = makeList(context, ALICE.id, epochs(from), count)
      const apart = Array.from({ length: count }, (_, k) => pairOf(from + k, context))
      assert.equal(toHex(whole.pairs), toHex(concat(...apart)))
    }),
    20,
  )
})

test('a list ends early where the next day has no server key yet', () => {
  const context = withDays(DAY)
  assert.equal(makeList(context, ALICE.id, epochs(MIDNIGHT + 90), 20).pairs.length, 6 * 9)
  assert.equal(makeList(context, ALICE.id, epochs(MIDNIGHT - 1), 20).pairs.length, 0)
  assert.equal(makeList(context, ALICE.id, MIDNIGHT, 0).pairs.length, 0)
})

test('EBIDs of the last epoch of 24 bits and of the largest identifier', () => {
  const ebid = makeEbids(serverKeyOfDay(DAY), 2 ** 40 - 1, epochs(0xffffff), 1)
  openEbids(serverKeyOfDay(DAY), ebid)
  assert.equal(toHex(ebid), 'ff'.repeat(8))
  assert.throws(() => makeEbids(serverKeyOfDay(DAY), 2 ** 40, epochs(0), 1), /broken promise/)
  assert.throws(() => makeEbids(serverKeyOfDay(DAY), 1, epochs(0xffffff), 2), /broken promise/)
})

test('a SKINNY-64 key has 8, 16 or 24 bytes, no other length', () => {
  for (const length of [0, 1, 12, 23, 25, 32]) {
    assert.throws(() => serverKeyOf(new Uint8Array(length)), RangeError, `${length} bytes`)
  }
})

test('the last day of the bundle: its epochs, at most as many as asked', () => {
  assert.deepEqual(lastDayOfBundle(calendar, DAY, 4, 96), { first: MIDNIGHT + 4 * 96, count: 96 })
  assert.deepEqual(lastDayOfBundle(calendar, DAY, 4, 50), { first: MIDNIGHT + 4 * 96, count: 50 })
  const short = { ...calendar, epochDuration: 1200 }
  assert.deepEqual(lastDayOfBundle(short, DAY, 1, 96), { first: firstEpochOfDay(short, DAY) + 72, count: 72 })
})

test('a packed list has one size and unpacks to the same pairs', () => {
  holds(
    fc.property(fc.nat(96), fc.nat(0xffffff), (count, first) => {
      const pairs = randomOf(`${count}`)(9 * count)
      const packed = packList({ first: epochs(first), pairs }, 96)
      assert.equal(packed.length, 6 + 9 * 96)
      const list = unpackList(packed)
      assert.equal(list.first, first)
      assert.equal(toHex(list.pairs), toHex(pairs))
      assert.ok(packed.subarray(6 + 9 * count).every((byte) => byte === 0))
    }),
  )
})

test('a count above the capacity, and a length that no capacity has, are malformed', () => {
  const packed = (count: number, capacity: number) => new Writer(6 + 9 * capacity).uint(4, 7).uint(2, count).bytes
  const refuses = (bytes: Uint8Array) =>
    assert.throws(
      () => unpackList(bytes, 'reply.list'),
      (error) => error instanceof Malformed && error.field === 'reply.list',
    )
  assert.equal(unpackList(packed(3, 3)).pairs.length, 27)
  assert.equal(unpackList(packed(0, 0)).pairs.length, 0)
  for (const [count, capacity] of [
    [4, 3],
    [1, 0],
    [0xffff, 96],
  ] as const) {
    refuses(packed(count, capacity))
  }
  for (const length of [0, 5, 7, 14, 16]) refuses(new Uint8Array(length))
  assert.throws(
    () => unpackList(new Uint8Array(5)),
    (error) => error instanceof Malformed && error.field === 'list',
  )
})

test('more pairs than the capacity cannot be packed', () => {
  assert.throws(() => packList({ first: epochs(0), pairs: new Uint8Array(18) }, 1), RangeError)
})

test('ROBERT §4: a list is sealed under K_enc with a random IV of 12 bytes and a tag of 16', () => {
  const plaintext = packList(makeList(backEnd, ALICE.id, MIDNIGHT, 5), 5)
  const sealed = sealFor(ALICE.encryptionKey, plaintext, randomOf('iv'))
  assert.equal(sealed.length, 12 + plaintext.length + 16)
  assert.equal(toHex(sealed.subarray(0, 12)), toHex(randomOf('iv')(12)))
  assert.equal(toHex(openFrom(ALICE.encryptionKey, sealed)!), toHex(plaintext))
})

test('ROBERT §4: what was changed, cut or sealed for somebody else does not open', () => {
  const sealed = sealFor(ALICE.encryptionKey, randomOf('list')(15), randomOf('iv'))
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    assert.equal(openFrom(ALICE.encryptionKey, withBitFlipped(sealed, bit)), undefined, `bit ${bit}`)
  }
  for (let cut = 0; cut < sealed.length; cut++) {
    assert.equal(openFrom(ALICE.encryptionKey, sealed.subarray(0, cut)), undefined, `${cut} bytes`)
  }
  assert.equal(openFrom(randomOf('key of Bob')(32), sealed), undefined)
})

test('ROBERT §4: the lists of many users made at once are those that each would get alone', () => {
  const range = fc.record({
    id: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
    first: fc.integer({ min: 0, max: 96 * 6 }).map((epoch) => epochs(epoch)),
    count: fc.integer({ min: 0, max: 300 }),
  })
  const context = withDays(DAY, dayAt('2026-03-06T00:00:00Z'), dayAt('2026-03-03T00:00:00Z'))
  holds(
    fc.property(fc.array(range, { maxLength: 12 }), (wanted) => {
      const alone = wanted.map(({ id, first, count }) => makeList(context, id, first, count))
      assert.deepEqual(makeLists(context, wanted), alone)
    }),
    50,
  )
})
