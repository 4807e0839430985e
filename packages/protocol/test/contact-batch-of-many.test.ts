// ROBERT §6.2 for many items at once: whose they are, of which days, in which order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat } from '../src/bytes.ts'
import { type ContactRefusal, idsOf, locateContacts } from '../src/robert/contact.ts'
import { type ContactVerdict, decideContacts, keyTable, verdictOf } from '../src/robert/contact-decision.ts'
import type { PermanentId } from '../src/robert/ebid.ts'
import { dayOf, epochAt, epochStart, later } from '../src/time.ts'
import {
  ALICE,
  backEnd,
  calendar,
  dayAt,
  itemOf,
  judged,
  keyOfAlice,
  randomOf,
  unix,
  withBitFlipped,
  withDays,
} from './fixture.ts'

const NOON = unix('2026-03-05T12:00:00Z')
const EPOCH = 432
const NOW = unix('2026-03-06T12:00:00Z')

function judge(items: readonly Uint8Array[], context = backEnd, keyOf = keyOfAlice, at = NOW): ContactVerdict[] {
  return judged(concat(...items), context, keyOf, at)
}
const judgeOne = (item: Uint8Array, context = backEnd, keyOf = keyOfAlice, at = NOW) =>
  judge([item], context, keyOf, at)[0]!
const refusal = (reason: ContactRefusal) => ({ route: 'refused', reason })
const local = (epoch = EPOCH, slot = 0) => ({ route: 'local', id: ALICE.id, exposure: { epoch, slot, weight: 50 } })

test('ROBERT §6.2 step 1: items are judged one by one, in the order given, and an empty batch has no verdicts', () => {
  const good = itemOf({ emitted: NOON })
  const late = itemOf({ emitted: NOON, received: later(NOON, 60) })
  const next = itemOf({ emitted: later(NOON, 900) })
  const verdicts = judge([good, late, next, good])
  assert.deepEqual(verdicts, [local(), refusal('helloTooFarFromTime'), local(EPOCH + 1), local()])
  assert.deepEqual(judge([]), [])
})

test('ROBERT §6.2 step 1: items of several days are judged in one batch, each under the keys of its own', () => {
  const days = [1, 2, 3, 4]
  const items = days.flatMap((day) => {
    const emitted = unix(`2026-03-0${day}T06:00:00Z`)
    return [itemOf({ emitted, received: later(emitted, 60) }), itemOf({ emitted })]
  })
  assert.deepEqual(idsOf(locateContacts(concat(...items), backEnd, NOW)), [ALICE.id])
  const expected = days.flatMap((day) => [refusal('helloTooFarFromTime'), local(96 * (day - 1) + 24)])
  assert.deepEqual(judge(items), expected)
})

test('ROBERT §6.2 step 4: of a batch of several days the items without a server key are refused, and no other', () => {
  const emitted = [1, 5, 3, 5, 1, 3].map((day, k) => unix(`2026-03-0${day}T06:${10 + k}:00Z`))
  const verdicts = judge(
    emitted.map((at) => itemOf({ emitted: at })),
    withDays(dayAt('2026-03-01T00:00:00Z'), dayAt('2026-03-03T00:00:00Z')),
  )
  const inOrder = emitted.map((at, k) => {
    const epoch = epochAt(calendar, at)
    return k === 1 || k === 3
      ? refusal('noServerKey')
      : local(epoch, Math.floor((at - epochStart(calendar, epoch)) / 300))
  })
  assert.deepEqual(verdicts, inOrder)
})

test('ROBERT §6.2 step 1: a batch is whole items', () => {
  for (const length of [1, 20, 22, 41]) {
    assert.throws(() => locateContacts(new Uint8Array(length), backEnd, NOW), RangeError, `${length} bytes`)
  }
})

test('ROBERT §6.2 step 4: senders may name any day: each is asked for its key once, and has no other key', () => {
  // Days that are 64 apart meet in the small table of recent days.
  const off = [0, 128, 64, 64, 0, 0, -64, 128, 128, 64, 1, 65, 0, -6400, 0, 64]
  const days = off.map((each) => dayOf(later(NOON, 86_400 * each)))
  const asked: number[] = []
  const context: typeof backEnd = {
    ...backEnd,
    serverKeyOf: (day) => {
      asked.push(day)
      return [days[0], days[1]].includes(day) ? backEnd.serverKeyOf(day) : undefined
    },
  }
  const items = off.map((each) =>
    itemOf({ emitted: later(NOON, 86_400 * each), epoch: EPOCH + Math.max(96 * each, 0) }),
  )
  const results = new Map<number, object>([
    [0, local()],
    [128, refusal('outsideContagiousPeriod')],
  ])
  const expected = off.map((each) => results.get(each) ?? refusal('noServerKey'))
  assert.deepEqual(judge(items, context), expected)
  assert.deepEqual(asked, [...new Set(days)])
})

test('ROBERT §6.2 step 5: of a batch each identifier is looked up once', () => {
  const items = concat(itemOf({ emitted: NOON }), itemOf({ emitted: later(NOON, 900) }))
  assert.deepEqual(idsOf(locateContacts(items, backEnd, NOW)), [ALICE.id])
})

test('ROBERT §6.2 steps 5 to 8: of many users in one batch each is found under her own key, and every other item is refused', () => {
  const random = randomOf('users of a batch')
  const users = Array.from({ length: 40 }, (_, k) => ({ id: 0xc0000 + 7919 * k, authenticationKey: random(32) }))
  const keyOf = (id: PermanentId) => users.find((user) => user.id === id)?.authenticationKey
  const items = users.map((user, k) =>
    itemOf({ emitted: later(NOON, 3600 * (k % 24) + 70 * (k % 13)), user, signal: k }),
  )
  const spoilt = items.map((item, k) => (k % 3 === 1 ? withBitFlipped(item, 127 - (k % 40)) : item))
  const verdicts = judge(spoilt, backEnd, keyOf, unix('2026-03-07T12:00:00Z'))
  verdicts.forEach((verdict, k) => {
    const alone = judgeOne(spoilt[k]!, backEnd, keyOf, unix('2026-03-07T12:00:00Z'))
    assert.deepEqual(verdict, alone, `item ${k}`)
    if (k % 3 === 1) assert.deepEqual(verdict, refusal('macInvalid'), `item ${k}`)
    else assert.ok(verdict.route === 'local' && verdict.id === users[k]!.id, `item ${k}`)
  })
})

test('ROBERT §6.2 footnotes 13 to 16: in a batch the items near midnight, under two keys, and the others, under one, are kept apart', () => {
  const random = randomOf('users of three midnights')
  const users = Array.from({ length: 60 }, (_, k) => ({ id: 0xd0000 + 6007 * k, authenticationKey: random(32) }))
  const keyOf = (id: PermanentId) => users.find((user) => user.id === id)?.authenticationKey
  // By turns: at noon, sent before midnight and heard after it, the other way round, soon after it, in the evening.
  const kinds = [
    [43_200, 43_200],
    [-4, 5],
    [3, -6],
    [700, 700],
    [64_800, 64_800],
  ] as const
  const sent = users.map((_, k) => {
    const into = kinds[k % 5]![0]
    return later(unix(`2026-03-0${2 + (k % 3)}T00:00:00Z`), into > 1800 ? into + 120 * (k % 7) : into)
  })
  const items = users.map((user, k) => {
    const [emitted, received] = kinds[k % 5]!
    return itemOf({ emitted: sent[k]!, received: later(sent[k]!, received - emitted), user, signal: 0x51 + (k % 4) })
  })
  const located = locateContacts(concat(...items), backEnd, NOW)
  const near = items.flatMap((_, k) => (k % 5 > 0 && k % 5 < 4 ? [k] : []))
  assert.deepEqual([...located.nearMidnight], near)
  assert.deepEqual(
    [...idsOf(located)].sort((a, b) => a - b),
    users.map(({ id }) => id),
  )
  const expected = users.map(({ id }, k) => {
    const epoch = epochAt(calendar, sent[k]!)
    const slot = Math.floor((sent[k]! - epochStart(calendar, epoch)) / 300)
    return { route: 'local', id, exposure: { epoch, slot, weight: 10 + 10 * (k % 4) } }
  })
  assert.deepEqual(judge(items, backEnd, keyOf), expected)
  const forged = items.map((item, k) => (k % 3 === 0 ? withBitFlipped(item, 88 + (k % 40)) : item))
  const verdicts = judge(forged, backEnd, keyOf)
  verdicts.forEach((verdict, k) => {
    assert.deepEqual(verdict, k % 3 === 0 ? refusal('macInvalid') : expected[k], `item ${k}`)
  })
})

test('ROBERT §6.2 steps 5 to 9: to decide changes nothing of what was located; an erased table fits no MAC any more', () => {
  const located = locateContacts(itemOf({ emitted: NOON }), backEnd, NOW)
  const decidedBy = (key: Uint8Array) => {
    const keys = keyTable(new Map([[ALICE.id, key]]))
    const verdict = () => verdictOf(decideContacts(located, keys, backEnd, NOW), 0)
    const before = verdict()
    keys.erase()
    assert.ok(keys.midstates.every((byte) => byte === 0))
    return [before, verdict()]
  }
  assert.deepEqual(decidedBy(randomOf('key of Bob')(32)), [refusal('macInvalid'), refusal('macInvalid')])
  assert.deepEqual(decidedBy(ALICE.authenticationKey), [local(), refusal('macInvalid')])
})
