import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Calendar,
  dayOf,
  dayOfEpoch,
  dayStart,
  distance16,
  epochAt,
  epochStart,
  epochsIn,
  firstEpochOfDay,
  isNearMidnight,
  later,
  type NtpSeconds,
  neighbourDay,
  ntpOf,
  time16,
  time32,
  type UnixSeconds,
  unfold16,
  unfold32,
  unixOf,
} from '../src/time.ts'
import { calendar, dayAt, holds, SERVICE_START, unix } from './fixture.ts'

const NEW_ERA = unix('2036-02-07T06:28:16Z')
const anyTime = fc.integer({ min: -(2 ** 40), max: 2 ** 43 }).map((time) => time as NtpSeconds)
/** Times around every wrap of 16 and 32 bits that a service may see. */
const boundaryTime = fc
  .tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -2, max: 2 }))
  .map(([era, wrap, second]) => (era * 2 ** 32 + wrap * 2 ** 15 + second) as NtpSeconds)
const someTime = fc.oneof(anyTime, boundaryTime)

test('ROBERT §2.2: NTP seconds reach the end of era 0 at 2036-02-07T06:28:16Z', () => {
  assert.equal(ntpOf(NEW_ERA), 2 ** 32)
  assert.equal(time32(ntpOf(NEW_ERA)), 0)
  assert.equal(time32(ntpOf(later(NEW_ERA, -1))), 2 ** 32 - 1)
  assert.equal(time16(ntpOf(NEW_ERA)), 0)
  assert.equal(time16(ntpOf(later(NEW_ERA, -1))), 0xffff)
  assert.equal(unixOf(ntpOf(NEW_ERA)), NEW_ERA)
})

test('ROBERT §2.2: a 32-bit time of either era unfolds to the one nearest to the clock', () => {
  for (const off of [-86_400, -1, 0, 1, 86_400]) {
    const sent = ntpOf(later(NEW_ERA, off))
    for (const clock of [-3600, 0, 3600]) assert.equal(unfold32(time32(sent), ntpOf(later(NEW_ERA, clock))), sent)
  }
})

test('ROBERT §5.1: TRUNC16 and the 32-bit field are the low bits, before 1900 and after 2036 as well', () => {
  holds(
    fc.property(someTime, (time) => {
      assert.equal(time16(time), Number(BigInt.asUintN(16, BigInt(time))))
      assert.equal(time32(time), Number(BigInt.asUintN(32, BigInt(time))))
    }),
    1000,
  )
})

/** The time with these low bits that is nearest to `near`; of two equally near ones the earlier. */
function nearest(low: number, near: number, bits: number): bigint {
  const range = 1n << BigInt(bits)
  const era = BigInt(near) / range
  const candidates = [-2n, -1n, 0n, 1n, 2n].map((step) => (era + step) * range + BigInt(low))
  const distance = (time: bigint) => (time > BigInt(near) ? time - BigInt(near) : BigInt(near) - time)
  return candidates.reduce((best, time) => (distance(time) < distance(best) ? time : best))
}

test('unfolding 16 and 32 bits gives the nearest time with those bits', () => {
  const low = (bits: number) =>
    fc.oneof(
      fc.integer({ min: 0, max: 2 ** bits - 1 }),
      fc.constantFrom(0, 1, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2 ** (bits - 1) + 1, 2 ** bits - 1),
    )
  holds(
    fc.property(low(16), low(32), someTime, (low16, low32, near) => {
      assert.equal(BigInt(unfold16(low16, near)), nearest(low16, near, 16))
      assert.equal(BigInt(unfold32(low32, near)), nearest(low32, near, 32))
    }),
    3000,
  )
})

test('a time folded and unfolded near itself is itself again', () => {
  holds(
    fc.property(someTime, fc.integer({ min: -32_767, max: 32_768 }), (time, off) => {
      assert.equal(unfold16(time16(time), (time + off) as NtpSeconds), time)
      assert.equal(unfold32(time32(time), (time + off * 65_536) as NtpSeconds), time)
    }),
    1000,
  )
})

test('ROBERT §5.2 step 3: 16-bit times are compared on the circle', () => {
  assert.equal(distance16(0, 0xffff), 1)
  assert.equal(distance16(0xffff, 0), 1)
  assert.equal(distance16(0, 0x8000), 0x8000)
  const any = fc.integer({ min: 0, max: 0xffff })
  holds(
    fc.property(any, any, (a, b) => {
      assert.equal(distance16(a, b), distance16(b, a))
      assert.equal(distance16(a, b), Math.min(Math.abs(a - b), 0x10000 - Math.abs(a - b)))
    }),
  )
})

test('ROBERT §3.1: epochs are counted from the start of the service by floor division, negative before it', () => {
  assert.equal(epochAt(calendar, SERVICE_START), 0)
  assert.equal(epochAt(calendar, later(SERVICE_START, 899)), 0)
  assert.equal(epochAt(calendar, later(SERVICE_START, 900)), 1)
  assert.equal(epochAt(calendar, later(SERVICE_START, -1)), -1)
  assert.equal(epochAt(calendar, later(SERVICE_START, -900)), -1)
  assert.equal(epochAt(calendar, later(SERVICE_START, -901)), -2)
  assert.equal(epochStart(calendar, -1), later(SERVICE_START, -900))
})

const anyCalendar = fc
  .record({ serviceStart: fc.integer({ min: 1.7e9, max: 2.2e9 }), epochDuration: fc.constantFrom(300, 600, 900, 1200) })
  .map((drawn) => drawn as Calendar)
const anyUnix = fc.integer({ min: 1.7e9, max: 2.5e9 }).map((at) => at as UnixSeconds)

test('every second lies in the epoch that starts last before it', () => {
  holds(
    fc.property(anyCalendar, anyUnix, (of, at) => {
      const epoch = epochAt(of, at)
      assert.ok(epochStart(of, epoch) <= at)
      assert.ok(epochStart(of, epoch + 1) > at)
    }),
  )
})

test('an epoch belongs to the UTC day of its start, also when it ends on the next or the service began at any hour', () => {
  const odd: Calendar = { serviceStart: unix('2026-03-01T00:10:00Z'), epochDuration: 900 }
  assert.equal(dayOfEpoch(odd, epochAt(odd, unix('2026-03-02T00:05:00Z'))), dayAt('2026-03-01T00:00:00Z'))
  assert.equal(firstEpochOfDay(odd, dayAt('2026-03-02T00:00:00Z')), epochAt(odd, unix('2026-03-02T00:10:00Z')))
  holds(
    fc.property(anyCalendar, anyUnix, (of, at) => {
      const day = dayOf(at)
      const first = firstEpochOfDay(of, day)
      assert.equal(dayOfEpoch(of, first), day)
      assert.equal(dayOfEpoch(of, (first - 1) as typeof first), day - 1)
    }),
  )
})

test('ROBERT §6.2 footnote 13: the neighbour is yesterday in the first half of a UTC day, else tomorrow', () => {
  const day = dayAt('2026-03-05T00:00:00Z')
  for (const [time, neighbour] of [
    ['00:00:00', day - 1],
    ['11:59:59', day - 1],
    ['12:00:00', day + 1],
    ['23:59:59', day + 1],
  ] as const) {
    assert.equal(neighbourDay(unix(`2026-03-05T${time}Z`)), neighbour, time)
  }
  assert.equal(neighbourDay(-1 as UnixSeconds), 0)
})

test('ROBERT §6.2 footnote 13: near midnight begins so many seconds before it and ends so many after it', () => {
  const midnight = unix('2026-03-05T00:00:00Z')
  for (const seconds of [600, 1200, 1800, 2400]) {
    for (const [off, near] of [
      [-43_200, false],
      [-seconds - 1, false],
      [-seconds, true],
      [-seconds / 2 - 1, true],
      [-1, true],
      [0, true],
      [seconds / 2, true],
      [seconds - 1, true],
      [seconds, false],
      [43_199, false],
    ] as const) {
      assert.equal(isNearMidnight(later(midnight, off), seconds), near, `${off} s after midnight, ${seconds} s`)
    }
  }
  assert.deepEqual(
    [-1801, -1800, -1, 0, 1799, 1800].map((at) => isNearMidnight(at as UnixSeconds, 1800)),
    [false, true, true, true, true, false],
  )
})

test('a UTC day starts at midnight and has 86,400 seconds', () => {
  const day = dayAt('2026-03-05T13:00:00Z')
  assert.equal(dayStart(day), unix('2026-03-05T00:00:00Z'))
  assert.equal(dayOf(later(dayStart(day), 86_399)), day)
  assert.equal(dayOf(later(dayStart(day), -1)), day - 1)
  assert.equal(dayOf(-1 as UnixSeconds), -1)
})

test('ROBERT §6.2 footnote 17: CT in epochs', () => {
  assert.equal(epochsIn(calendar, 14), 1344)
  assert.equal(epochsIn({ ...calendar, epochDuration: 1200 }, 1), 72)
})
