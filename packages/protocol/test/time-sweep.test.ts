// The clock arithmetic at every edge that a service meets in its life, against a model in whole numbers of any size: BigInt has no
// 31, 32 or 53 bits to run out of. One case is one function with one input.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isExpired } from '../src/robert/risk.ts'
import {
  type Calendar,
  dayOf,
  dayOfEpoch,
  distance16,
  type Epoch,
  epochAt,
  epochStart,
  epochsIn,
  firstEpochOfDay,
  isNearMidnight,
  LAST_EPOCH,
  later,
  type NtpSeconds,
  neighbourDay,
  ntpOf,
  time16,
  time32,
  type UnixSeconds,
  unfold16,
  unfold32,
} from '../src/time.ts'
import { unix } from './fixture.ts'

const DURATIONS = [300, 600, 900, 1200]
/** Midnight, the middle of an epoch of every duration, and a second that divides nothing. */
const STARTS = [unix('2020-06-01T00:00:00Z'), unix('2026-03-01T00:07:30Z'), unix('2035-11-30T17:03:11Z')]
const NTP_ERA = unix('2036-02-07T06:28:16Z')
const SIGNED_END = unix('2038-01-19T03:14:08Z')
/** The Unix second that is counted twice when a leap second is inserted, or would be. */
const LEAP_SECONDS = ['1972-07-01', '2012-07-01', '2015-07-01', '2017-01-01', '2036-01-01'].map((day) =>
  unix(`${day}T00:00:00Z`),
)

const CALENDARS: readonly Calendar[] = STARTS.flatMap((serviceStart) =>
  DURATIONS.map((epochDuration) => ({ serviceStart, epochDuration })),
)

// The model.
const NTP_OFFSET = 2_208_988_800n
const DAY = 86_400n
const floorDivide = (a: bigint, b: bigint): bigint => (a >= 0n || a % b === 0n ? a / b : a / b - 1n)
const lowBits = (value: bigint, bits: number): bigint => BigInt.asUintN(bits, value)
const distance = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a)
/** Of all times with these low bits the nearest to a clock; of two equally near ones the earlier. */
function nearest(low: bigint, near: bigint, bits: number): bigint {
  const range = 1n << BigInt(bits)
  const era = near - lowBits(near, bits)
  const candidates = [era - range + low, era + low, era + range + low]
  return candidates.reduce((best, time) => (distance(time, near) < distance(best, near) ? time : best))
}

/** Counts cases, and stops at the first that differs from the model. */
class Sweep {
  readonly counts = new Map<string, number>()
  is(name: string, got: number, expected: bigint, ...input: readonly number[]): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    // -0 is what some divisions give; it is 0 everywhere.
    if (got !== Number(expected)) assert.fail(`${name}(${input.join(', ')}) is ${got}, the model says ${expected}`)
  }
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }
  report(t: TestContext): void {
    for (const [name, count] of this.counts) t.diagnostic(`${name}: ${count} cases`)
  }
}

/** Seconds before and after an edge: each near one, and the lengths of everything that repeats. */
const AROUND: readonly number[] = [
  ...Array.from({ length: 49 }, (_, k) => k - 24),
  ...[60, 300, 600, 900, 1200, 1800, 2400, 3600, 43_200, 65_536, 86_400].flatMap((length) =>
    [-1, 0, 1].flatMap((second) => [length + second, -length - second]),
  ),
]

/** 16-bit wraps, and the half-way points where unfolding changes its mind, in the 40 days around a time. */
const wrapsAround = (at: UnixSeconds): UnixSeconds[] => {
  const wrap = Number(BigInt(ntpOf(at)) / 32_768n) * 32_768 - Number(NTP_OFFSET)
  return Array.from({ length: 107 }, (_, k) => (wrap + (k - 53) * 32_768) as UnixSeconds)
}

const WORLD_EDGES: readonly UnixSeconds[] = [
  NTP_ERA,
  SIGNED_END,
  ...LEAP_SECONDS,
  ...[0, 2 ** 32, 2 ** 33].map((at) => at as UnixSeconds),
  ...[NTP_ERA, SIGNED_END, unix('2026-10-25T01:00:00Z')].flatMap(wrapsAround),
]

/** The edges of one service: its start, epochs and days of its life, the 95 % at which it stops, the end of 24 bits. */
const edgesOf = ({ serviceStart, epochDuration }: Calendar): UnixSeconds[] => {
  const epochs = [-1, 0, 1, 2, 95, 96, 97, 287, 288, 0xffff, 0x10000, 15_938_354, LAST_EPOCH - 1, LAST_EPOCH, 2 ** 24]
  const days = [-1, 0, 1, 2, 13, 14, 15, 365, 366, 1461]
  const midnight = serviceStart - (serviceStart % 86_400)
  return [
    ...epochs.map((epoch) => (serviceStart + epoch * epochDuration) as UnixSeconds),
    ...days.map((day) => (midnight + day * 86_400) as UnixSeconds),
  ]
}

const instantsOf = (edges: readonly UnixSeconds[]): UnixSeconds[] => [
  ...new Set(edges.flatMap((edge) => AROUND.map((seconds) => later(edge, seconds)))),
]

function sweepCalendar(sweep: Sweep, calendar: Calendar): void {
  const { epochDuration } = calendar
  const start = BigInt(calendar.serviceStart)
  const duration = BigInt(epochDuration)
  const ct = (14n * DAY) / duration
  const epochs = new Set<number>()
  const days = new Set<number>()
  for (const at of instantsOf([...WORLD_EDGES, ...edgesOf(calendar)])) {
    const epoch = floorDivide(BigInt(at) - start, duration)
    sweep.is('epochAt', epochAt(calendar, at), epoch, calendar.serviceStart, epochDuration, at)
    epochs.add(Number(epoch))
    days.add(dayOf(at))
    // Away from midnight the epoch of a time and those beside it are of its day; near it, of its day or the neighbour.
    const others = isNearMidnight(at, 2 * epochDuration) ? [dayOf(at), neighbourDay(at)] : [dayOf(at)]
    const strange = [-1, 0, 1].filter(
      (apart) => !others.includes(dayOfEpoch(calendar, (Number(epoch) + apart) as Epoch)),
    )
    sweep.is('days of three epochs', strange.length, 0n, calendar.serviceStart, epochDuration, at)
  }
  for (const epoch of [...epochs].flatMap((each) => [each - 1, each, each + 1])) {
    const begins = start + BigInt(epoch) * duration
    const input = [calendar.serviceStart, epochDuration, epoch] as const
    sweep.is('epochStart', epochStart(calendar, epoch), begins, ...input)
    sweep.is('dayOfEpoch', dayOfEpoch(calendar, epoch as Epoch), floorDivide(begins, DAY), ...input)
    for (const now of [-1, 0, 1].map((off) => epoch + Number(ct) + off)) {
      const expired = BigInt(now) - BigInt(epoch) >= ct
      const got = isExpired(epoch, now as Epoch, epochsIn(calendar, 14))
      sweep.is('isExpired', Number(got), expired ? 1n : 0n, ...input, now)
    }
  }
  for (const day of days) {
    // The first epoch that starts at or after midnight: minus the floor of the negated quotient.
    const first = -floorDivide(start - BigInt(day) * DAY, duration)
    sweep.is('firstEpochOfDay', firstEpochOfDay(calendar, day), first, epochDuration, day)
  }
}

function sweepInstants(sweep: Sweep, instants: readonly UnixSeconds[]): void {
  const clocks = [-2_147_483_649, -32_769, -32_768, -12, 0, 12, 32_767, 32_768, 2_147_483_647, 2_147_483_648]
  for (const at of instants) {
    const [time, exact] = [ntpOf(at), BigInt(at) + NTP_OFFSET]
    sweep.is('ntpOf', time, exact, at)
    sweep.is('time16', time16(time), lowBits(exact, 16), at)
    sweep.is('time32', time32(time), lowBits(exact, 32), at)
    const day = floorDivide(BigInt(at), DAY)
    const into = BigInt(at) - day * DAY
    const isMorning = into < DAY / 2n
    sweep.is('dayOf', dayOf(at), day, at)
    sweep.is('neighbourDay', neighbourDay(at), isMorning ? day - 1n : day + 1n, at)
    for (const seconds of DURATIONS.map((duration) => 2 * duration)) {
      const near = into < BigInt(seconds) || DAY - into <= BigInt(seconds)
      sweep.is('isNearMidnight', Number(isNearMidnight(at, seconds)), near ? 1n : 0n, at, seconds)
    }
    for (const ahead of clocks) {
      const clock = (time + ahead) as NtpSeconds
      const [low16, low32] = [lowBits(exact, 16), lowBits(exact, 32)]
      sweep.is('unfold16', unfold16(Number(low16), clock), nearest(low16, BigInt(clock), 16), at, ahead)
      sweep.is('unfold32', unfold32(Number(low32), clock), nearest(low32, BigInt(clock), 32), at, ahead)
      const forward = lowBits(exact - BigInt(clock), 16)
      const shorter = forward < 65_536n - forward ? forward : 65_536n - forward
      sweep.is('distance16', distance16(time16(time), time16(clock)), shorter, at, ahead)
    }
  }
}

test('a million boundary cases: every function of the clock says what whole numbers of any size say', (t) => {
  const sweep = new Sweep()
  for (const calendar of CALENDARS) sweepCalendar(sweep, calendar)
  sweepInstants(sweep, instantsOf([...WORLD_EDGES, ...CALENDARS.flatMap(edgesOf)]))
  sweep.report(t)
  t.diagnostic(`${sweep.total} boundary cases`)
  assert.ok(sweep.total >= 1_000_000, `${sweep.total} cases`)
  const functions = [
    'epochAt',
    'epochStart',
    'dayOfEpoch',
    'firstEpochOfDay',
    'neighbourDay',
    'isNearMidnight',
    'time16',
  ]
  for (const name of [...functions, 'time32', 'unfold16', 'unfold32', 'distance16', 'isExpired']) {
    assert.ok((sweep.counts.get(name) ?? 0) >= 1000, name)
  }
})

test('a leap second repeats a Unix second: both are one second of one day, one epoch and one HELLO time', () => {
  for (const second of LEAP_SECONDS) {
    // 23:59:60 has no Unix time of its own: Unix time counts 86,400 seconds a day, and this one is counted again at 00:00:00.
    assert.equal(second % 86_400, 0)
    assert.equal(dayOf(later(second, -1)), dayOf(second) - 1)
    for (const calendar of CALENDARS) {
      const [before, repeated] = [epochAt(calendar, later(second, -1)), epochAt(calendar, second)]
      assert.ok(repeated - before <= 1)
    }
    // Sent in the first of the two and heard a second later: no distance at all; heard by a clock that did not repeat: one second.
    const sent = time16(ntpOf(second))
    assert.equal(distance16(sent, time16(ntpOf(second))), 0)
    assert.equal(distance16(sent, time16(ntpOf(later(second, 1)))), 1)
  }
})

test('the 24-bit counter ends after its last epoch, for each duration on its own date', () => {
  for (const [epochDuration, end] of [
    [300, '2179-11-29T05:20:00Z'],
    [600, '2339-05-29T10:40:00Z'],
    [900, '2498-11-24T16:00:00Z'],
    [1200, '2658-05-24T21:20:00Z'],
  ] as const) {
    const calendar = { serviceStart: STARTS[0]!, epochDuration }
    assert.equal(new Date(epochStart(calendar, LAST_EPOCH + 1) * 1000).toISOString(), end.replace('Z', '.000Z'))
    assert.equal(epochAt(calendar, later(unix(end), -1)), LAST_EPOCH)
    assert.equal(epochAt(calendar, unix(end)), LAST_EPOCH + 1)
  }
})
