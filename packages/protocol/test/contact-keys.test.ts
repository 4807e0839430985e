// ROBERT §6.2 step 4 with daily server keys, and footnotes 13 to 16: what is refused under one key is tried under the other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../src/bytes.ts'
import { type ContactRefusal, idsOf, locateContacts } from '../src/robert/contact.ts'
import type { ContactVerdict } from '../src/robert/contact-decision.ts'
import { epochOfBlock, idOfBlock, openEbids, type PermanentId } from '../src/robert/ebid.ts'
import { dayOf, dayStart, later } from '../src/time.ts'
import {
  ALICE,
  backEnd,
  dayAt,
  itemOf,
  judged,
  type KeyOf,
  keyOfAlice,
  pairOf,
  randomOf,
  serverKeyOfDay,
  unix,
  withBitFlipped,
  withDays,
} from './fixture.ts'

const DAY = dayAt('2026-03-11T00:00:00Z')
const YESTERDAY = dayAt('2026-03-10T00:00:00Z')
const TOMORROW = dayAt('2026-03-12T00:00:00Z')
/** The first epoch of DAY. */
const FIRST = 960
const MIDNIGHT = dayStart(DAY)
const NOW = unix('2026-03-12T12:00:00Z')

function judge(item: Uint8Array, context = backEnd, keyOf: KeyOf = keyOfAlice): ContactVerdict {
  return judged(item, context, keyOf, NOW)[0]!
}
const refusal = (reason: ContactRefusal) => ({ route: 'refused', reason })
const local = (epoch: number, slot: number, id = ALICE.id) => ({
  route: 'local',
  id,
  exposure: { epoch, slot, weight: 50 },
})

test('ROBERT §6.2 step 4: without a server key of its day or the neighbour an item is refused as noServerKey', () => {
  for (const seconds of [60, 3600, 43_200]) {
    const item = itemOf({ emitted: later(MIDNIGHT, seconds) })
    assert.deepEqual(judge(item, withDays()), refusal('noServerKey'))
    assert.deepEqual(judge(item, withDays(TOMORROW)), refusal('noServerKey'))
    assert.deepEqual(idsOf(locateContacts(item, withDays(), NOW)), [])
  }
})

test('ROBERT §6.2 step 4: where only the neighbour has a key, the identifier it opens near midnight is the one that is unknown', () => {
  const near = itemOf({ emitted: later(MIDNIGHT, 1799) })
  assert.deepEqual(judge(near, withDays(YESTERDAY)), refusal('unknownId'))
  assert.equal(idsOf(locateContacts(near, withDays(YESTERDAY), NOW)).length, 1)
  const away = itemOf({ emitted: later(MIDNIGHT, 1800) })
  assert.deepEqual(judge(away, withDays(YESTERDAY)), refusal('noServerKey'))
  assert.deepEqual(idsOf(locateContacts(away, withDays(YESTERDAY), NOW)), [])
})

test('ROBERT §6.2 footnote 13: the server key is selected by Time', () => {
  for (const hour of [0, 6, 11, 12, 18, 23]) {
    const emitted = later(MIDNIGHT, 3600 * hour + 60)
    assert.deepEqual(judge(itemOf({ emitted }), withDays(DAY)), local(FIRST + 4 * hour, 0), `${hour} h`)
  }
})

test('ROBERT §6.2 footnote 13: sent before midnight, received after it: the key of yesterday opens', () => {
  const item = itemOf({ emitted: later(MIDNIGHT, -4), received: later(MIDNIGHT, 4) })
  for (const context of [backEnd, withDays(YESTERDAY), withDays(YESTERDAY, DAY)]) {
    assert.deepEqual(judge(item, context), local(FIRST - 1, 2))
  }
})

test('ROBERT §6.2 footnote 13: sent after midnight, received by a slow clock before it: the key of tomorrow opens', () => {
  const item = itemOf({ emitted: later(MIDNIGHT, 4), received: later(MIDNIGHT, -4) })
  for (const context of [backEnd, withDays(DAY), withDays(YESTERDAY, DAY)]) {
    assert.deepEqual(judge(item, context), local(FIRST, 0))
  }
})

test('ROBERT §6.2 footnote 13: both keys of both items around midnight, in one batch', () => {
  const before = itemOf({ emitted: later(MIDNIGHT, -4), received: later(MIDNIGHT, 4) })
  const after = itemOf({ emitted: later(MIDNIGHT, 4), received: later(MIDNIGHT, -4) })
  const items = new Uint8Array([...before, ...after, ...before])
  const verdicts = judged(items, backEnd, keyOfAlice, NOW)
  assert.deepEqual(verdicts, [local(FIRST - 1, 2), local(FIRST, 0), local(FIRST - 1, 2)])
})

test('ROBERT §6.2 footnote 13: an epoch that spans midnight is made with the key of its start', () => {
  const calendar = { ...backEnd.calendar, serviceStart: later(backEnd.calendar.serviceStart, 600) }
  const context = { ...backEnd, calendar }
  const emitted = later(MIDNIGHT, 300)
  assert.equal(dayOf(emitted), DAY)
  const item = itemOf({ emitted, context })
  assert.deepEqual(judge(item, { ...withDays(YESTERDAY), calendar }), local(FIRST - 1, 2))
  assert.deepEqual(judge(item, { ...withDays(DAY), calendar }), refusal('unknownId'))
})

/** What the EBID of a user of the last epoch of yesterday says under the key of today, which is tried first. */
function underTodaysKey(id: PermanentId) {
  const block = pairOf(FIRST - 1, backEnd, id).slice(0, 8)
  openEbids(serverKeyOfDay(DAY), block)
  return { epoch: epochOfBlock(block, 0), id: idOfBlock(block, 0) }
}
const late = (user: { readonly id: PermanentId; readonly authenticationKey: Uint8Array }) =>
  itemOf({ emitted: later(MIDNIGHT, -4), received: later(MIDNIGHT, 4), user })

test('ROBERT §6.2 footnote 14: where the first key opens an unknown identifier, the second is tested', () => {
  assert.equal(keyOfAlice(underTodaysKey(ALICE.id).id), undefined)
  assert.deepEqual(judge(late(ALICE)), local(FIRST - 1, 2))
})

test('ROBERT §6.2 footnote 15: where the first key opens a registered identifier of another epoch, the second is tested', () => {
  const other = underTodaysKey(ALICE.id)
  assert.ok(Math.abs(other.epoch - FIRST) > 1)
  const keyOf: KeyOf = (id) => (id === other.id ? randomOf('other')(32) : keyOfAlice(id))
  assert.deepEqual(judge(late(ALICE), backEnd, keyOf), local(FIRST - 1, 2))
})

/** Found by search: Carol's EBID of yesterday's last epoch is, under today's key, Dave's EBID of today's second epoch. */
const CAROL = { id: 3_753_489, authenticationKey: randomOf('authentication key of Carol')(32) }
const DAVE = { id: 716_358_703_617, authenticationKey: randomOf('authentication key of Dave')(32) }
const keyOfBoth: KeyOf = (id) => [CAROL, DAVE].find((user) => user.id === id)?.authenticationKey

test('ROBERT §6.2 footnote 16: where the MAC is wrong under the first key, the second is tested', () => {
  assert.deepEqual(underTodaysKey(CAROL.id), { epoch: FIRST + 1, id: DAVE.id })
  assert.deepEqual(judge(late(CAROL), backEnd, keyOfBoth), local(FIRST - 1, 2, CAROL.id))
})

test('ROBERT §6.2 footnote 16: one EBID, two identifiers, both in the right epoch: the MAC says whose HELLO it is', () => {
  const ebids = [pairOf(FIRST + 1, backEnd, DAVE.id), pairOf(FIRST - 1, backEnd, CAROL.id)]
  assert.equal(toHex(ebids[0]!), toHex(ebids[1]!))
  const emitted = later(MIDNIGHT, 890)
  assert.deepEqual(
    judge(itemOf({ emitted, user: DAVE, epoch: FIRST + 1 }), backEnd, keyOfBoth),
    local(FIRST + 1, 0, DAVE.id),
  )
  assert.deepEqual(
    judge(itemOf({ emitted, user: CAROL, epoch: FIRST - 1 }), backEnd, keyOfBoth),
    local(FIRST - 1, 2, CAROL.id),
  )
})

test('ROBERT §6.2 footnotes 14 to 16: refused under both keys, the reason is that of the later step', () => {
  const forged = withBitFlipped(late(CAROL), 127)
  assert.deepEqual(judge(forged, backEnd, keyOfBoth), refusal('macInvalid'))
  const onlyDave: KeyOf = (id) => (id === DAVE.id ? DAVE.authenticationKey : undefined)
  assert.deepEqual(judge(forged, backEnd, onlyDave), refusal('macInvalid'))
  const onlyCarol: KeyOf = (id) => (id === CAROL.id ? CAROL.authenticationKey : undefined)
  assert.deepEqual(judge(forged, backEnd, onlyCarol), refusal('macInvalid'))
  assert.deepEqual(judge(forged), refusal('unknownId'))
})
