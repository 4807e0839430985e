import { hex } from '../second/hex.ts'
import {
  dayOfEpoch,
  distance,
  epochAt,
  epochStart,
  fits24,
  low16,
  low32,
  near16,
  ntpOfUtc,
  type Service,
  unfold,
  utcDay,
} from '../second/time.ts'
import { at, type Case, type Sections, START } from './case.ts'

const ERA = 1n << 32n
/** The first second of NTP era 1. */
const ERA_1 = at('2036-02-07T06:28:16Z')

function timeCase([utc, why]: readonly [string, string]): Case {
  const ntp = ntpOfUtc(utc)
  const expected = { ntp, time32: hex(low32(ntp), 4), time16: hex(low16(ntp), 2), utcDay: utcDay(ntp) }
  return { name: `${utc}, ${why}`, input: { utc }, expected }
}

const TIMES = [
  ['1900-01-01T00:00:00Z', 'NTP 0'],
  ['1968-01-20T03:14:07Z', 'NTP 2^31 - 1'],
  ['1968-01-20T03:14:08Z', 'NTP 2^31'],
  ['1969-12-31T23:59:59Z', 'one second before Unix 0'],
  ['1970-01-01T00:00:00Z', 'Unix 0'],
  ['2016-12-31T23:59:59Z', 'before a leap second'],
  ['2017-01-01T00:00:00Z', 'after a leap second: none is counted'],
  ['2024-02-29T23:59:59Z', 'end of a leap day'],
  ['2026-02-28T23:59:59Z', 'end of February'],
  ['2026-03-01T00:00:00Z', 'UTC midnight'],
  ['2026-03-01T00:00:01Z', 'after UTC midnight'],
  ['2026-03-29T01:00:00Z', 'daylight saving begins in Europe: nothing happens'],
  ['2036-02-07T06:28:15Z', 'last second of NTP era 0'],
  ['2036-02-07T06:28:16Z', 'first second of NTP era 1'],
  ['2036-02-07T06:28:17Z', 'second second of NTP era 1'],
  ['2036-02-08T00:00:00Z', 'first UTC midnight of NTP era 1'],
  ['2038-01-19T03:14:06Z', 'Unix 2^31 - 2'],
  ['2038-01-19T03:14:07Z', 'Unix 2^31 - 1'],
  ['2038-01-19T03:14:08Z', 'Unix 2^31'],
  ['2100-02-28T23:59:59Z', '2100 is no leap year'],
  ['2100-03-01T00:00:00Z', '2100 is no leap year'],
  ['2106-02-07T06:28:16Z', 'Unix 2^32'],
  ['2172-03-15T12:56:31Z', 'last second of NTP era 1'],
  ['2172-03-15T12:56:32Z', 'first second of NTP era 2'],
] as const

/** Around a wrap of the 16-bit time. */
function wrapCases(near: string): Case[] {
  const wrap = ((at(near) >> 16n) + 1n) << 16n
  return [-2n, -1n, 0n, 1n].map((off) => {
    const utc = new Date(Number(wrap + off - at('1970-01-01T00:00:00Z')) * 1000).toISOString().replace('.000', '')
    return timeCase([utc, `${off < 0n ? off : `+${off}`} s from a wrap of the 16-bit time`])
  })
}

function unfoldCase(bits: 16 | 32, low: bigint, near: bigint, why: string): Case {
  return {
    name: `${bits} bits, ${why}`,
    input: { bits, low: hex(low, bits / 8), near },
    expected: { ntp: unfold(bits, low, near) },
  }
}

function unfoldCases(): Case[] {
  const around = (bits: 16 | 32, near: bigint, name: string): Case[] => {
    const half = 1n << BigInt(bits - 1)
    return [-half, -half + 1n, -1n, 0n, 1n, half - 1n, half].map((off) =>
      unfoldCase(bits, BigInt.asUintN(bits, near + off), near, `${off} s from ${name}`),
    )
  }
  return [
    ...around(32, START, 'a time of era 0'),
    ...around(32, ERA_1, 'the first second of era 1'),
    ...around(32, ERA_1 - 1n, 'the last second of era 0'),
    ...around(32, 2n * ERA + 5n, 'a time of era 2'),
    ...around(16, START, 'a time of era 0'),
    ...around(16, ERA_1, 'the first second of era 1'),
    unfoldCase(32, ERA - 1n, at('2036-02-20T00:00:00Z'), 'stored before the end of the era, read two weeks after it'),
    unfoldCase(32, 0n, at('2036-01-20T00:00:00Z'), 'of the next era, seen by a clock of this one'),
    unfoldCase(16, 0xffffn, ((START >> 16n) + 1n) << 16n, 'the second before a wrap, at the wrap'),
    unfoldCase(16, 0n, (((START >> 16n) + 1n) << 16n) - 1n, 'a wrap, one second before it'),
  ]
}

const DISTANCES: readonly (readonly [number, number, number])[] = [
  ...([0, 1, 11, 12, 13] as const).flatMap((off) => [[0, off, 12] as const, [off, 65_535, 12] as const]),
  [65_535, 11, 12],
  [65_535, 10, 12],
  [32_767, 32_768, 1],
  [32_768, 32_767, 2],
  [0, 32_767, 180],
  [0, 32_768, 180],
  [0, 32_769, 180],
  [0, 65_356, 180],
  [0, 65_355, 180],
  [0, 65_357, 180],
  [180, 0, 180],
  [181, 0, 180],
  [40_000, 100, 180],
  [5, 5, 1],
]

function distanceCase([a, b, tolerance]: readonly [number, number, number]): Case {
  const [first, second, delta] = [BigInt(a), BigInt(b), BigInt(tolerance)]
  const strict = near16(first, second, delta, false)
  const inclusive = near16(first, second, delta, true)
  const expected = { distance: distance(first, second), strict, inclusive }
  return { name: `${a} and ${b} within ${tolerance} s`, input: { a, b, tolerance }, expected }
}

function epochCase(service: Service, time: bigint, why: string): Case {
  const epoch = epochAt(service, time)
  const expected = {
    epoch,
    wire: fits24(epoch) ? hex(epoch, 3) : null,
    start: epochStart(service, epoch),
    serverKeyDay: dayOfEpoch(service, epoch),
  }
  const input = { serviceStart: service.serviceStart, epochDuration: service.epochDuration, at: time }
  return { name: `epochs of ${service.epochDuration} s, ${why}`, input, expected }
}

function epochCases(): Case[] {
  const durations = [300n, 600n, 900n, 1200n].flatMap((epochDuration) => {
    const service = { serviceStart: START, epochDuration }
    const last = epochStart(service, 0xffffffn)
    return [
      epochCase(service, START - epochDuration - 1n, 'the end of epoch -2'),
      epochCase(service, START - 1n, 'one second before the service'),
      epochCase(service, START, 'the start of the service'),
      epochCase(service, START + epochDuration - 1n, 'the end of epoch 0'),
      epochCase(service, START + epochDuration, 'the start of epoch 1'),
      epochCase(service, at('2026-03-02T00:00:00Z') - 1n, 'the end of the first day'),
      epochCase(service, at('2026-03-02T00:00:00Z'), 'the start of the second day'),
      epochCase(service, ERA_1 - 1n, 'the last second of era 0'),
      epochCase(service, ERA_1, 'the first second of era 1'),
      epochCase(service, last, 'the start of the last epoch of 24 bits'),
      epochCase(service, last + epochDuration - 1n, 'the end of the last epoch of 24 bits'),
      epochCase(service, last + epochDuration, 'the epoch after the last'),
    ]
  })
  // A service that did not start on a boundary has an epoch that lasts over midnight: its start names the day.
  const odd = { serviceStart: at('2026-03-01T12:07:30Z'), epochDuration: 900n }
  const midnight = at('2026-03-02T00:00:00Z')
  const names = [
    'the last epoch that ends before midnight',
    'an epoch before midnight',
    'the same epoch after midnight',
  ]
  const times = [midnight - 451n, midnight - 1n, midnight + 449n, midnight + 450n]
  return [...durations, ...times.map((time, i) => epochCase(odd, time, names[i] ?? 'the first epoch after midnight'))]
}

export const timeSections: Sections = {
  time: [...TIMES.map(timeCase), ...wrapCases('2026-03-05T00:00:00Z'), ...wrapCases('2040-07-01T00:00:00Z')],
  unfold: unfoldCases(),
  tolerance: DISTANCES.map(distanceCase),
  epoch: epochCases(),
}
