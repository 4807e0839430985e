// ROBERT §6.2 step 4, footnote 13: the server key of the neighbour day is tried less than two epochs from a UTC midnight, always
// then, and nowhere else, since no epoch that step 6 lets pass can be of the other day there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ContactRefusal, idsOf, locateContacts } from '../src/robert/contact.ts'
import type { ContactVerdict } from '../src/robert/contact-decision.ts'
import { idOfBlock, openEbids, type PermanentId } from '../src/robert/ebid.ts'
import { type Calendar, dayOf, dayOfEpoch, dayStart, type Epoch, epochAt, later, neighbourDay } from '../src/time.ts'
import {
  ALICE,
  backEnd,
  dayAt,
  holds,
  itemOf,
  judged,
  type KeyOf,
  keyOfAlice,
  pairOf,
  randomOf,
  SERVICE_START,
  serverKeyOfDay,
  unix,
} from './fixture.ts'

const DAY = dayAt('2026-03-06T00:00:00Z')
const MIDNIGHT = dayStart(DAY)
const NOON = later(MIDNIGHT, -43_200)
const NOW = unix('2026-03-07T12:00:00Z')
/** The last epoch that begins before midnight, and the first after it, of 900 s. */
const LAST = 479
const FIRST = 480
const DURATIONS = [300, 600, 900, 1200] as const

const judge = (item: Uint8Array, context = backEnd, keyOf: KeyOf = keyOfAlice): ContactVerdict =>
  judged(item, context, keyOf, NOW)[0]!
const located = (item: Uint8Array, context = backEnd) => locateContacts(item, context, NOW)
const lookedUp = (item: Uint8Array, context = backEnd): PermanentId[] => idsOf(located(item, context))
const withCalendar = (epochDuration: number, serviceStart = SERVICE_START): typeof backEnd => ({
  ...backEnd,
  calendar: { serviceStart, epochDuration },
})
/** The epoch that was accepted, or the reason. */
function resultOf(verdict: ContactVerdict): number | string {
  if (verdict.route === 'local') return verdict.exposure.epoch
  return verdict.route === 'refused' ? verdict.reason : verdict.route
}
const refusal = (reason: ContactRefusal) => ({ route: 'refused', reason })

test('ROBERT §6.2 footnote 13: both keys are tried from two epochs before midnight until two epochs after it, to the second', () => {
  for (const duration of DURATIONS) {
    const context = withCalendar(duration)
    for (const [seconds, keys] of [
      [-43_200, 1],
      [-2 * duration - 1, 1],
      [-2 * duration, 2],
      [-1, 2],
      [0, 2],
      [2 * duration - 1, 2],
      [2 * duration, 1],
      [43_199, 1],
    ] as const) {
      const emitted = later(MIDNIGHT, seconds)
      const item = itemOf({ emitted, epoch: epochAt(context.calendar, emitted) + 5, context })
      const what = `epochs of ${duration} s, ${seconds} s after midnight`
      assert.equal(lookedUp(item, context).length, keys, what)
      assert.deepEqual([...located(item, context).nearMidnight], keys === 2 ? [0] : [], what)
      assert.equal(located(item, context).ids.length, keys, what)
    }
  }
})

test('ROBERT §6.2 footnote 13: near midnight is Time, not the emission', () => {
  for (const [received, near] of [
    [1799, [0]],
    [1800, []],
    [-1800, [0]],
    [-1801, []],
  ] as const) {
    for (const delay of [-11, 11]) {
      const item = itemOf({ emitted: later(MIDNIGHT, received - delay), received: later(MIDNIGHT, received) })
      assert.deepEqual([...located(item).nearMidnight], near, `${received} s`)
    }
  }
})

test('ROBERT §6.2 step 4: the last epoch before midnight and the first after it, heard farther and farther away', () => {
  for (const duration of DURATIONS) {
    const context = withCalendar(duration)
    const first = epochAt(context.calendar, MIDNIGHT)
    for (const [epoch, seconds, result] of [
      [first - 1, 0, first - 1],
      [first - 1, duration - 1, first - 1],
      [first - 1, duration, 'epochMismatch'],
      [first - 1, 2 * duration - 1, 'epochMismatch'],
      [first - 1, 2 * duration, 'unknownId'],
      [first, -1, first],
      [first, -duration, first],
      [first, -duration - 1, 'epochMismatch'],
      [first, -2 * duration, 'epochMismatch'],
      [first, -2 * duration - 1, 'unknownId'],
    ] as const) {
      const item = itemOf({ emitted: later(MIDNIGHT, seconds), epoch, context })
      assert.equal(resultOf(judge(item, context)), result, `epoch ${epoch}, ${seconds} s after midnight`)
    }
  }
})

test('ROBERT §6.2 step 4: an epoch that spans midnight, at the longest, is accepted until the last second that step 6 allows', () => {
  for (const duration of DURATIONS) {
    // The last epoch of a day begins in its last second.
    const late = withCalendar(duration, later(SERVICE_START, duration - 1))
    const over = epochAt(late.calendar, MIDNIGHT)
    assert.equal(dayOfEpoch(late.calendar, over), DAY - 1)
    // The first of a day begins in its second second.
    const early = withCalendar(duration, later(SERVICE_START, 1))
    const next = epochAt(early.calendar, later(MIDNIGHT, 1))
    assert.equal(dayOfEpoch(early.calendar, next), DAY)
    for (const [context, epoch, seconds, result] of [
      [late, over, 2 * duration - 2, over],
      [late, over, 2 * duration - 1, 'epochMismatch'],
      [late, over, 2 * duration, 'unknownId'],
      [early, next, 1 - duration, next],
      [early, next, -duration, 'epochMismatch'],
      [early, next, -2 * duration, 'epochMismatch'],
      [early, next, -2 * duration - 1, 'unknownId'],
    ] as const) {
      const item = itemOf({ emitted: later(MIDNIGHT, seconds), epoch, context })
      assert.equal(resultOf(judge(item, context)), result, `${duration} s, ${seconds} s after midnight`)
    }
  }
})

const anyCalendar: fc.Arbitrary<Calendar> = fc.record({
  serviceStart: fc.integer({ min: 0, max: 86_399 }).map((seconds) => later(SERVICE_START, seconds)),
  epochDuration: fc.constantFrom(...DURATIONS),
})
const anySecond = fc.oneof(fc.integer({ min: -3600, max: 3600 }), fc.integer({ min: -43_200, max: 43_199 }))

test('ROBERT §6.2 steps 4 to 6: whatever the calendar, every epoch that step 6 lets pass is accepted, at every second of a day', () => {
  holds(
    fc.property(anyCalendar, anySecond, fc.integer({ min: -2, max: 2 }), (calendar, seconds, apart) => {
      const context = { ...backEnd, calendar }
      const emitted = later(MIDNIGHT, seconds)
      const epoch = (epochAt(calendar, emitted) + apart) as Epoch
      const made = dayOfEpoch(calendar, epoch)
      const near = Math.abs(seconds + 0.5) < 2 * calendar.epochDuration
      const tried = [dayOf(emitted), ...(near ? [neighbourDay(emitted)] : [])].includes(made)
      const result = Math.abs(apart) <= 1 ? epoch : tried ? 'epochMismatch' : 'unknownId'
      assert.equal(resultOf(judge(itemOf({ emitted, epoch, context }), context)), result)
    }),
    2000,
  )
})

test('ROBERT §6.2 step 4: an EBID made under the key of the neighbour day opens near midnight only', () => {
  const madeBy = (days: number) => ({
    ...backEnd,
    serverKeyOf: (day: number) => serverKeyOfDay(dayOf(dayStart(day + days))),
  })
  for (const [seconds, days, result] of [
    [-21_600, 1, 'unknownId'],
    [-1801, 1, 'unknownId'],
    [-1800, 1, 478],
    [1799, -1, 481],
    [1800, -1, 'unknownId'],
    [21_600, -1, 'unknownId'],
  ] as const) {
    const item = itemOf({ emitted: later(MIDNIGHT, seconds), context: madeBy(days) })
    assert.equal(resultOf(judge(item)), result, `${seconds} s after midnight`)
  }
})

test('ROBERT §6.2 step 5: away from midnight one identifier is looked up, whether its epoch fits or not', () => {
  for (const apart of [-2, 0, 2]) {
    const item = itemOf({ emitted: NOON, epoch: 432 + apart })
    assert.deepEqual(lookedUp(item), [ALICE.id])
    assert.equal(resultOf(judge(item)), apart === 0 ? 432 : 'epochMismatch')
    const nobody = judge(item, backEnd, () => undefined)
    assert.deepEqual(nobody, refusal('unknownId'))
  }
})

test('ROBERT §6.2 step 5: near midnight nobody is looked up for the key that did not make the EBID', () => {
  for (const [sent, received] of [
    [-4, -4],
    [-4, 4],
    [4, -4],
    [4, 4],
  ] as const) {
    const item = itemOf({ emitted: later(MIDNIGHT, sent), received: later(MIDNIGHT, received) })
    assert.deepEqual(lookedUp(item), [ALICE.id], `${sent}, ${received} s`)
  }
})

test('ROBERT §6.2 step 5: where one key gives the epoch, a user whom the other one names does not count, not even as the reason', () => {
  const nobody = { id: 0xb0b, authenticationKey: ALICE.authenticationKey }
  for (const [seconds, epoch, other] of [
    [-100, LAST, DAY],
    [100, LAST, DAY],
    [-100, FIRST, DAY - 1],
    [100, FIRST, DAY - 1],
  ] as const) {
    const block = pairOf(epoch, backEnd, nobody.id).slice(0, 8)
    openEbids(serverKeyOfDay(dayOf(dayStart(other))), block)
    const item = itemOf({ emitted: later(MIDNIGHT, seconds), epoch, user: nobody })
    assert.deepEqual(lookedUp(item), [nobody.id])
    const named: KeyOf = (id) => (id === idOfBlock(block, 0) ? randomOf('named')(32) : undefined)
    assert.deepEqual(judge(item, backEnd, named), refusal('unknownId'), `epoch ${epoch}, ${seconds} s after midnight`)
  }
})

test('ROBERT §6.2 step 5: where neither key gives the epoch both identifiers are looked up, so that steps 5 and 6 refuse in order', () => {
  for (const [seconds, epoch] of [
    [-100, LAST - 2],
    [-100, LAST + 2],
    [100, FIRST - 2],
    [100, FIRST + 2],
  ] as const) {
    const item = itemOf({ emitted: later(MIDNIGHT, seconds), epoch })
    assert.equal(lookedUp(item).length, 2)
    assert.deepEqual(judge(item), refusal('epochMismatch'))
    const empty = judge(item, backEnd, () => undefined)
    assert.deepEqual(empty, refusal('unknownId'))
  }
})
