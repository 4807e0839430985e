// Matching against the plain reference (test/oracle/matching.ts), and the edges by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  columnsOf,
  type DiagnosisKey,
  type DiagnosisKeys,
  emptyKeys,
  type IntervalNumber,
  inOrder,
  matchDiagnosisKeys,
  NO_ONSET,
  REPORT_TYPE,
  type Sightings,
} from '../src/gaen/index.ts'
import { wordOf } from '../src/kernels/rpi.ts'
import { holds, randomOf } from './fixture.ts'
import { identifierKeyOf, identifierOf, matches } from './oracle/matching.ts'

const DAY = 144
const START = 144 * 18_354
/** Found by search: of this key the identifier of this interval has the four bytes zero. */
const ZERO_WORD = { key: '000000000000000000000000026baf57', start: 2_642_973 } as const
const random = randomOf('matching')

const keyOf = (rollingStart: number, rollingPeriod = DAY, keyData = random(16)): DiagnosisKey => ({
  keyData,
  rollingStart: rollingStart as IntervalNumber,
  rollingPeriod,
  transmissionRisk: 0,
  reportType: REPORT_TYPE.confirmedTest,
  daysSinceOnset: undefined,
})

interface Heard {
  readonly identifier: Uint8Array
  readonly time: number
}

const sightingsOf = (heard: readonly Heard[]): Sightings => ({
  count: heard.length,
  identifiers: new Uint8Array(heard.flatMap(({ identifier }) => [...identifier])),
  times: Float64Array.from(heard, ({ time }) => time),
})

const identifier = (key: DiagnosisKey, interval: number): Uint8Array =>
  identifierOf(identifierKeyOf(key.keyData), interval)

/** The key heard `after` its start, `away` seconds from the beginning of that interval. */
const heardOf = (key: DiagnosisKey, after: number, away = 0): Heard => ({
  identifier: identifier(key, key.rollingStart + after),
  time: 600 * (key.rollingStart + after) + away,
})

const found = (keys: readonly DiagnosisKey[], heard: readonly Heard[]) =>
  matchDiagnosisKeys(columnsOf(keys), sightingsOf(heard)).map(({ key, sighting, interval }) => [
    key,
    sighting,
    interval - keys[key]!.rollingStart,
  ])

test('GAEN matching: a sighting counts from 7,200 s before the start of its interval to 7,200 s after it, not a second more', () => {
  const key = keyOf(START)
  for (const after of [0, 1, 11, 12, 13, 70, 142, 143]) {
    const times = [-7201, -7200.001, -7200, -7199, -600, 0, 1, 599, 600, 7199, 7200, 7200.001, 7201]
    const matched = found(
      [key],
      times.map((away) => heardOf(key, after, away)),
    )
    const inside = times.flatMap((away, k) => (Math.abs(away) <= 7200 ? [[0, k, after]] : []))
    assert.deepEqual(matched, inside)
    // Each alone too: then only few intervals are derived.
    for (const [k, away] of times.entries()) {
      assert.equal(found([key], [heardOf(key, after, away)]).length, Math.abs(times[k]!) <= 7200 ? 1 : 0, `${away} s`)
    }
  }
})

test('GAEN matching: a key has the intervals of its rolling period, be it 1 or 144', () => {
  for (const period of [1, 2, 12, 13, 72, 143, 144]) {
    const key = keyOf(START, period)
    for (const after of [0, 1, 2, 11, 12, 13, 71, 72, 142, 143, 144, 145]) {
      assert.equal(found([key], [heardOf(key, after)]).length, after < period ? 1 : 0, `interval ${after} of ${period}`)
    }
  }
  assert.deepEqual(found([keyOf(START, 0)], [heardOf(keyOf(START), 0)]), [])
})

test('GAEN matching: a short key beside a long one of the same start ends where it ends', () => {
  const [short, long] = [keyOf(START, 30), keyOf(START, 144)]
  const heard = [heardOf(short, 29), heardOf(short, 30), heardOf(long, 29), heardOf(long, 30)]
  assert.deepEqual(found([short, long], heard), [
    [0, 0, 29],
    [1, 2, 29],
    [1, 3, 30],
  ])
})

test('GAEN matching: starts that are no midnight, and counters whose second, third and fourth byte change', () => {
  for (const boundary of [256, 0x10000, 0x1000000, 2 ** 32]) {
    for (const start of [boundary - 144, boundary - 143, boundary - 70, boundary - 1, boundary].filter(
      (x) => x < 2 ** 32,
    )) {
      const key = keyOf(start)
      // No interval follows the last that 32 bits hold.
      const last = Math.min(DAY, 2 ** 32 - start) - 1
      const heard = [...new Set([0, Math.min(last, boundary - start), Math.min(last, boundary - start - 1), last])]
        .filter((after) => after >= 0)
        .map((after) => heardOf(key, after, 7200))
      assert.equal(found([key], heard).length, heard.length, `start ${start}`)
      assert.deepEqual(
        matchDiagnosisKeys(columnsOf([key]), sightingsOf(heard)),
        matches(columnsOf([key]), sightingsOf(heard)),
      )
    }
  }
})

test('GAEN matching: nothing matches nothing', () => {
  const key = keyOf(START)
  assert.deepEqual(found([], []), [])
  assert.deepEqual(found([key], []), [])
  assert.deepEqual(found([], [heardOf(key, 3)]), [])
  assert.deepEqual(found([key], [heardOf(keyOf(START), 3)]), [])
})

test('GAEN matching: the same key twice and the same sighting twice make four pairs, in the order of key and sighting', () => {
  const key = keyOf(START)
  const other = keyOf(START - DAY)
  const heard = [heardOf(key, 8, 500), heardOf(other, 143, -3), heardOf(key, 8, -500)]
  assert.deepEqual(found([key, other, key], heard), [
    [0, 0, 8],
    [0, 2, 8],
    [1, 1, 143],
    [2, 0, 8],
    [2, 2, 8],
  ])
})

test('GAEN matching: sightings in any order', () => {
  const key = keyOf(START)
  const heard = [143, 0, 80, 80, 12, 5].map((after) => heardOf(key, after))
  assert.deepEqual(
    found([key], heard).map(([, sighting]) => sighting),
    [0, 1, 2, 3, 4, 5],
  )
})

test('GAEN matching: an identifier in which all is zero but a byte that the kernels do not compute', () => {
  const key = keyOf(START)
  const zero: Heard = { identifier: new Uint8Array(16), time: 600 * START }
  zero.identifier[5] = 1
  assert.deepEqual(found([key], [zero, heardOf(key, 0), { ...zero, identifier: new Uint8Array(16) }]), [[0, 1, 0]])
})

test('GAEN matching: a word of zero is a word like others', () => {
  const key = keyOf(ZERO_WORD.start, 1, Uint8Array.from(Buffer.from(ZERO_WORD.key, 'hex')))
  const heard = heardOf(key, 0)
  assert.equal(wordOf(heard.identifier, 0), 0)
  assert.deepEqual(found([key], [heard]), [[0, 0, 0]])
})

test('GAEN matching: identifiers that share the four bytes of a true one and differ elsewhere do not match', () => {
  const key = keyOf(START)
  const truth = heardOf(key, 9)
  const lookalikes = [1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 14, 15].map((at) => {
    const changed = truth.identifier.slice()
    changed[at]! ^= 1
    assert.equal(wordOf(changed, 0), wordOf(truth.identifier, 0))
    return { ...truth, identifier: changed }
  })
  assert.deepEqual(found([key], [...lookalikes, truth, ...lookalikes]), [[0, lookalikes.length, 9]])
})

test('GAEN matching: a flood of one identifier gives every one of its pairs', () => {
  const key = keyOf(START)
  const flood = Array.from({ length: 5000 }, (_, k) => heardOf(key, 20, (k % 3) * 10))
  const away = Array.from({ length: 5000 }, () => heardOf(key, 20, 8000))
  assert.deepEqual(
    found([keyOf(START), key], [...flood, ...away]).map(([, sighting]) => sighting),
    flood.map((_, k) => k),
  )
})

test('GAEN matching: every identifier of 300 keys was heard', () => {
  const keys = Array.from({ length: 300 }, (_, k) => keyOf(START + DAY * (k % 2), k % 5 === 0 ? 1 + (k % DAY) : DAY))
  const heard = keys.flatMap((key) => Array.from({ length: key.rollingPeriod }, (_, after) => heardOf(key, after)))
  const pairs = matchDiagnosisKeys(columnsOf(keys), sightingsOf(heard))
  assert.equal(pairs.length, heard.length)
  assert.ok(pairs.every(({ sighting }, k) => sighting === k))
})

test('GAEN matching: keys may be a view of a larger buffer, at an odd address', () => {
  const keys = columnsOf([keyOf(START), keyOf(START)])
  const shifted = new Uint8Array(33)
  shifted.set(keys.keyData, 1)
  const sightings = sightingsOf([
    { identifier: identifier(keyOf(START, DAY, keys.keyData.slice(16)), START), time: 600 * START },
  ])
  assert.deepEqual(matchDiagnosisKeys({ ...keys, keyData: shifted.subarray(1) }, sightings), [
    { key: 1, sighting: 0, interval: START },
  ])
})

const starts = fc.oneof(
  fc.integer({ min: 0, max: 3 }).map((day) => START + DAY * day),
  fc.integer({ min: START - 30, max: START + 30 }),
  fc.constantFrom(0x10000 * 40 - 50, 0x10000 * 40 - 144),
)
const edges = fc.oneof(
  fc.constantFrom(-7201, -7200, -7199, 0, 7199, 7200, 7201),
  fc.integer({ min: -9000, max: 9000 }),
  fc.double({ min: -7300, max: 7300, noNaN: true }),
)
const worlds = fc.record({
  keys: fc.array(
    fc.record({ start: starts, period: fc.integer({ min: 1, max: DAY }), seed: fc.integer({ min: 0, max: 9 }) }),
    {
      maxLength: 30,
    },
  ),
  planted: fc.array(fc.record({ key: fc.nat(29), after: fc.integer({ min: 0, max: DAY }), away: edges }), {
    maxLength: 40,
  }),
  noise: fc.array(fc.record({ start: starts, seed: fc.nat(5) }), { maxLength: 20 }),
  isSorted: fc.boolean(),
})

function worldOf(drawn: typeof worlds extends fc.Arbitrary<infer World> ? World : never): {
  keys: DiagnosisKeys
  sightings: Sightings
} {
  const keys = drawn.keys.map(({ start, period, seed }) => keyOf(start, period, randomOf(`key ${seed}`)(16)))
  const heard = [
    ...drawn.planted.flatMap(({ key, after, away }) => (key < keys.length ? [heardOf(keys[key]!, after, away)] : [])),
    ...drawn.noise.map(({ start, seed }) => ({ identifier: randomOf(`noise ${seed}`)(16), time: 600 * start + seed })),
  ]
  if (drawn.isSorted) heard.sort((a, b) => a.time - b.time)
  return { keys: columnsOf(keys), sightings: sightingsOf(heard) }
}

test('GAEN matching: whatever keys and sightings, the pairs are those of the plain reference', () => {
  holds(
    fc.property(worlds, (drawn) => {
      const { keys, sightings } = worldOf(drawn)
      assert.deepEqual(matchDiagnosisKeys(keys, sightings), matches(keys, sightings))
    }),
    60,
  )
})

test('GAEN matching: parts of the work come to the whole, however many there are', () => {
  holds(
    fc.property(worlds, fc.integer({ min: 1, max: 5 }), (drawn, of) => {
      const { keys, sightings } = worldOf(drawn)
      const parts = Array.from({ length: of }, (_, part) => matchDiagnosisKeys(keys, sightings, { part, of }))
      assert.deepEqual(inOrder(parts.flat()), matchDiagnosisKeys(keys, sightings))
    }),
    30,
  )
})

test('GAEN matching: columns that matching does not read may hold anything', () => {
  const key = keyOf(START)
  const keys = { ...emptyKeys(1), keyData: key.keyData, starts: Uint32Array.of(START) }
  keys.reportTypes.fill(REPORT_TYPE.revoked)
  keys.daysSinceOnset.fill(NO_ONSET)
  assert.equal(matchDiagnosisKeys(keys, sightingsOf([heardOf(key, 3)])).length, 1)
})
