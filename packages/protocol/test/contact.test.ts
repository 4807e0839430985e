import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat } from '../src/bytes.ts'
import { CONTACT_REFUSALS, type ContactRefusal, idsOf, locateContacts } from '../src/robert/contact.ts'
import type { ContactVerdict } from '../src/robert/contact-decision.ts'
import type { PermanentId } from '../src/robert/ebid.ts'
import { packSignal, strengthClass } from '../src/robert/item.ts'
import { parametersFor, SPEC, TAC } from '../src/robert/profile.ts'
import { epochAt, epochStart, later, ntpOf, type UnixSeconds } from '../src/time.ts'
import {
  ALICE,
  backEnd,
  calendar,
  FRANCE,
  GERMANY,
  holds,
  itemOf,
  judged,
  keyOfAlice,
  randomOf,
  SERVICE_START,
  unix,
  withBitFlipped,
} from './fixture.ts'

const NOON = unix('2026-03-05T12:00:00Z')
const EPOCH = 432
const NOW = unix('2026-03-06T12:00:00Z')
const noLookUp = (id: PermanentId) => assert.fail(`${id} was looked up`)

function judge(items: readonly Uint8Array[], context = backEnd, keyOf = keyOfAlice, at = NOW): ContactVerdict[] {
  return judged(concat(...items), context, keyOf, at)
}
const judgeOne = (item: Uint8Array, context = backEnd, keyOf = keyOfAlice, at = NOW) =>
  judge([item], context, keyOf, at)[0]!
const refusal = (reason: ContactRefusal) => ({ route: 'refused', reason })
const local = (epoch = EPOCH, slot = 0, weight = 50) => ({
  route: 'local',
  id: ALICE.id,
  exposure: { epoch, slot, weight },
})

test('ROBERT §6.2: each refusal names its step', () => {
  assert.deepEqual(CONTACT_REFUSALS, {
    helloTooFarFromTime: 2,
    noServerKey: 4,
    unknownId: 5,
    epochMismatch: 6,
    macInvalid: 8,
    outsideContagiousPeriod: 9,
  })
})

test('ROBERT §6.2 step 1: the 32-bit Time of an item unfolds across the end of the NTP era in 2036', () => {
  const emitted = unix('2036-02-07T06:28:12Z')
  const item = itemOf({ emitted, received: later(emitted, 8) })
  const epoch = epochAt(calendar, emitted)
  const slot = Math.floor((emitted - epochStart(calendar, epoch)) / 300)
  for (const at of ['2036-02-07T06:28:15Z', '2036-02-07T12:00:00Z', '2036-02-20T00:00:00Z']) {
    assert.deepEqual(judgeOne(item, backEnd, keyOfAlice, unix(at)), local(epoch, slot), at)
  }
})

test('ROBERT §6.2 step 2: a HELLO received within δ = 12 s is accepted, at δ and beyond helloTooFarFromTime', () => {
  for (const off of [-11, -1, 0, 1, 11]) {
    assert.deepEqual(judgeOne(itemOf({ emitted: NOON, received: later(NOON, off) })), local(), `${off} s`)
  }
  for (const off of [-180, -13, -12, 12, 13, 180, 32_768]) {
    const item = itemOf({ emitted: NOON, received: later(NOON, off) })
    assert.deepEqual(judgeOne(item, backEnd, noLookUp), refusal('helloTooFarFromTime'), `${off} s`)
  }
})

test('ROBERT §6.2 step 2: δ is measured on the circle: a HELLO sent before its 16-bit time returns to 0 is close after it', () => {
  const wrap = later(NOON, 65_536 - (ntpOf(NOON) % 65_536))
  for (const [sent, received] of [
    [-5, 3],
    [3, -5],
  ] as const) {
    const emitted = later(wrap, sent)
    assert.equal(
      judgeOne(itemOf({ emitted, received: later(wrap, received) })).route,
      'local',
      `${sent}, ${received} s`,
    )
  }
})

test('ROBERT §6.2 step 2: profile tac accepts 180 s and refuses 181 s as helloTooFarFromTime', () => {
  const parameters = parametersFor(TAC)
  const tac = { ...backEnd, profile: TAC, parameters }
  const passed = (off: number, context: typeof backEnd) =>
    judgeOne(itemOf({ emitted: NOON, received: later(NOON, off) }), context)
  assert.deepEqual(passed(180, tac), local())
  assert.deepEqual(passed(181, tac), refusal('helloTooFarFromTime'))
  assert.deepEqual(passed(180, { ...tac, profile: SPEC }), refusal('helloTooFarFromTime'))
})

const GERMAN = itemOf({ emitted: NOON, context: { ...backEnd, countryCode: GERMANY } })

test('ROBERT §6.2 step 3: an item of a country we federate with is forwarded, without opening its EBID', () => {
  const context = { ...backEnd, peers: new Set([GERMANY, 44]) }
  assert.deepEqual(judgeOne(GERMAN, context, noLookUp), { route: 'foreign', countryCode: GERMANY })
  assert.deepEqual(idsOf(locateContacts(GERMAN, context, NOW)), [])
  const mixed = judge([GERMAN, itemOf({ emitted: NOON })], context)
  assert.deepEqual(mixed, [{ route: 'foreign', countryCode: GERMANY }, local()])
  const ours = itemOf({ emitted: later(NOON, 900) })
  assert.deepEqual(judge([ours, GERMAN], context), [local(EPOCH + 1), { route: 'foreign', countryCode: GERMANY }])
})

test('ROBERT §6.2 step 3: an item of our own country is ours, also where a table of peers names us', () => {
  assert.deepEqual(judgeOne(itemOf({ emitted: NOON }), { ...backEnd, peers: new Set([FRANCE, GERMANY]) }), local())
})

test('ROBERT §6.2 step 3: an item of a country that we do not know goes on, and its MAC decides', () => {
  assert.deepEqual(judgeOne(GERMAN), local())
  const tampered = itemOf({ emitted: NOON })
  tampered[0] = tampered[0]! ^ FRANCE ^ GERMANY
  assert.deepEqual(judgeOne(tampered), refusal('macInvalid'))
})

test('ROBERT §6.2 step 3: step 2 comes first, for foreign items too', () => {
  const item = itemOf({ emitted: NOON, received: later(NOON, 60), context: { ...backEnd, countryCode: GERMANY } })
  const context = { ...backEnd, peers: new Set([GERMANY]) }
  assert.deepEqual(judgeOne(item, context, noLookUp), refusal('helloTooFarFromTime'))
})

test('ROBERT §6.2 step 5: an identifier that nobody is registered under is refused as unknownId', () => {
  const nobody = { id: 0xb0b, authenticationKey: ALICE.authenticationKey }
  assert.deepEqual(judgeOne(itemOf({ emitted: NOON, user: nobody })), refusal('unknownId'))
  assert.deepEqual(
    judgeOne(itemOf({ emitted: NOON }), backEnd, () => undefined),
    refusal('unknownId'),
  )
})

test('ROBERT §6.2 step 6: an item whose Time is one epoch away from its EBID is accepted', () => {
  for (const off of [-1, 1]) {
    const slot = off === -1 ? 2 : 0
    assert.deepEqual(judgeOne(itemOf({ emitted: NOON, epoch: EPOCH + off })), local(EPOCH + off, slot))
  }
})

test('ROBERT §6.2 step 6: an item whose Time is two epochs away is refused as epochMismatch', () => {
  for (const off of [-48, -3, -2, 2, 3, 47]) {
    const item = itemOf({ emitted: NOON, epoch: EPOCH + off })
    assert.deepEqual(judgeOne(item), refusal('epochMismatch'), `${off} epochs`)
  }
})

test('ROBERT §6.2 step 6: the division is floored: the last second of the next epoch passes, the second after does not', () => {
  const end = epochStart(calendar, EPOCH + 2)
  assert.deepEqual(judgeOne(itemOf({ emitted: later(end, -1), epoch: EPOCH })), local(EPOCH, 2))
  assert.deepEqual(judgeOne(itemOf({ emitted: end, epoch: EPOCH })), refusal('epochMismatch'))
})

test('ROBERT §6.2 step 6: the epoch that is compared is that of Time, not of the emission', () => {
  const end = epochStart(calendar, EPOCH + 2)
  const [before, after] = [later(end, -4), later(end, 4)]
  assert.deepEqual(judgeOne(itemOf({ emitted: after, received: before, epoch: EPOCH })), local(EPOCH, 2))
  assert.deepEqual(judgeOne(itemOf({ emitted: before, received: after, epoch: EPOCH })), refusal('epochMismatch'))
})

test('ROBERT §6.2 step 6: a Time before the service started is refused as epochMismatch', () => {
  const at = later(SERVICE_START, 3600)
  const passed = (off: number) =>
    judgeOne(itemOf({ emitted: later(SERVICE_START, off), epoch: 0 }), backEnd, keyOfAlice, at)
  assert.deepEqual(passed(-1), refusal('epochMismatch'))
  assert.deepEqual(passed(-900), refusal('epochMismatch'))
  assert.deepEqual(passed(0), local(0))
})

test('ROBERT §5.2 footnote 9, §6.2 step 6: a HELLO replayed when its 16-bit time returns is refused as epochMismatch or unknownId', () => {
  const replayed = (emitted: UnixSeconds, wraps: number) => {
    const received = later(emitted, 65_536 * wraps)
    return judgeOne(itemOf({ emitted, received }), backEnd, keyOfAlice, later(received, 86_400))
  }
  // 18.2 hours later, on the same day: under the key that made the EBID.
  assert.deepEqual(replayed(later(NOON, -11 * 3600), 1), refusal('epochMismatch'))
  // At 06:12 of the next day that key is not tried any more, at 00:12 it is the neighbour's.
  assert.deepEqual(replayed(NOON, 1), refusal('unknownId'))
  assert.deepEqual(replayed(later(NOON, -6 * 3600), 1), refusal('epochMismatch'))
  assert.deepEqual(replayed(NOON, 2), refusal('unknownId'))
  assert.deepEqual(replayed(NOON, 7), refusal('unknownId'))
})

test('ROBERT §6.2 step 7: the key is that of the identifier in the EBID, not of whoever else is registered', () => {
  const bob = { id: 0xb0b, authenticationKey: randomOf('authentication key of Bob')(32) }
  const keyOf = (id: PermanentId) => (id === bob.id ? bob.authenticationKey : keyOfAlice(id))
  const found = judgeOne(itemOf({ emitted: NOON, user: bob }), backEnd, keyOf)
  assert.deepEqual(found, { ...local(), id: bob.id })
  const stolen = itemOf({ emitted: NOON, user: { id: ALICE.id, authenticationKey: bob.authenticationKey } })
  assert.deepEqual(judgeOne(stolen, backEnd, keyOf), refusal('macInvalid'))
})

test('ROBERT §6.2 step 8: with any bit of its MAC turned an item is refused as macInvalid', () => {
  const item = itemOf({ emitted: NOON })
  for (let bit = 88; bit < 128; bit++) {
    assert.deepEqual(judgeOne(withBitFlipped(item, bit)), refusal('macInvalid'), `bit ${bit}`)
  }
})

test('ROBERT §6.2 step 8: with any bit of ECC, EBID or 16-bit time turned an item is refused', () => {
  const item = itemOf({ emitted: NOON })
  const reasons = Array.from({ length: 88 }, (_, bit) => {
    const verdict = judgeOne(withBitFlipped(item, bit))
    assert.equal(verdict.route, 'refused', `bit ${bit}`)
    return verdict.route === 'refused' ? verdict.reason : ''
  })
  const times = (count: number, reason: ContactRefusal) => new Array<string>(count).fill(reason)
  assert.deepEqual(reasons, [
    ...times(8, 'macInvalid'),
    ...times(64, 'unknownId'),
    ...times(12, 'helloTooFarFromTime'),
    ...times(4, 'macInvalid'), // 8, 4, 2 and 1 second are within δ
  ])
})

test('ROBERT §6.2 step 8: the MAC covers neither reception nor signal: step 2 bounds the one, the weight is the other', () => {
  const item = itemOf({ emitted: NOON, signal: packSignal({ strengthClass: 10, minutes: 5 }) })
  for (let bit = 128; bit < 156; bit++) {
    assert.deepEqual(judgeOne(withBitFlipped(item, bit)).route, 'refused', `bit ${bit}`)
  }
  for (let bit = 156; bit < 160; bit++) assert.deepEqual(judgeOne(withBitFlipped(item, bit)), local(), `bit ${bit}`)
  for (let bit = 160; bit < 168; bit++) assert.equal(judgeOne(withBitFlipped(item, bit)).route, 'local', `bit ${bit}`)
})

test('ROBERT §6.2 step 9: the exposure is the epoch of the EBID, the slot of the emission and the weight of the signal', () => {
  for (const [into, slot] of [
    [0, 0],
    [299, 0],
    [300, 1],
    [599, 1],
    [600, 2],
    [899, 2],
  ] as const) {
    assert.deepEqual(judgeOne(itemOf({ emitted: later(NOON, into) })), local(EPOCH, slot), `${into} s`)
  }
  for (const [strength, minutes, weight] of [
    [-63, 4, 40],
    [-73, 4, 20],
    [-80, 4, 0],
    [undefined, 0, 10],
  ] as const) {
    const signal = packSignal({ strengthClass: strengthClass(strength), minutes })
    assert.deepEqual(judgeOne(itemOf({ emitted: NOON, signal })), local(EPOCH, 0, weight))
  }
})

test('ROBERT §6.2 step 9: the time under the MAC fixes the slot, whatever reception the uploader claims', () => {
  const off = fc.integer({ min: -11, max: 11 })
  holds(
    fc.property(fc.integer({ min: SERVICE_START + 900, max: NOW }), off, (second, delay) => {
      const emitted = second as UnixSeconds
      const epoch = epochAt(calendar, emitted)
      const slot = Math.floor((emitted - epochStart(calendar, epoch)) / 300)
      assert.deepEqual(judgeOne(itemOf({ emitted, received: later(emitted, delay) })), local(epoch, slot))
    }),
  )
})

test('ROBERT §6.2 step 9: epochs of 300 s have one slot, of 1,200 s four', () => {
  for (const [epochDuration, into, slot] of [
    [300, 299, 0],
    [600, 599, 1],
    [1200, 899, 2],
    [1200, 900, 3],
    [1200, 1199, 3],
  ] as const) {
    const context = { ...backEnd, calendar: { ...calendar, epochDuration } }
    const emitted = later(NOON, into)
    const expected = local(epochAt(context.calendar, NOON), slot)
    assert.deepEqual(judgeOne(itemOf({ emitted, context }), context), expected, `${into} of ${epochDuration} s`)
  }
})

test('ROBERT §6.2 step 9, footnote 17: what would be removed at once is refused as outsideContagiousPeriod', () => {
  const item = itemOf({ emitted: NOON })
  const expires = epochStart(calendar, EPOCH + 14 * 96)
  assert.deepEqual(judgeOne(item, backEnd, keyOfAlice, later(expires, -1)), local())
  assert.deepEqual(judgeOne(item, backEnd, keyOfAlice, expires), refusal('outsideContagiousPeriod'))
})

test('ROBERT §6.2 step 9: an epoch that has not come is refused as outsideContagiousPeriod, the next one is accepted', () => {
  const item = itemOf({ emitted: NOON })
  const judgedAt = (epoch: number) => judgeOne(item, backEnd, keyOfAlice, epochStart(calendar, epoch))
  assert.deepEqual(judgedAt(EPOCH), local())
  assert.deepEqual(judgedAt(EPOCH - 1), local())
  assert.deepEqual(judgedAt(EPOCH - 2), refusal('outsideContagiousPeriod'))
})

test('ROBERT §6.2 step 10: nothing of HELLO, Time or strength is left in a verdict', () => {
  const verdict = judgeOne(itemOf({ emitted: later(NOON, 7) }))
  assert.equal(JSON.stringify(verdict), JSON.stringify(local()))
})
