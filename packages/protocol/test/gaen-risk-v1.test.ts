// The first interface, worked by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  API_SCORING_V1,
  checkScoringV1,
  DEFAULT_READING,
  exposuresV1,
  type MatchedKey,
  PHONE_SCANNING,
  REPORT_TYPE,
  type RiskFactorsV1,
  riskScore,
  type ScoringV1,
  type Sighting,
} from '../src/gaen/index.ts'
import { holds } from './fixture.ts'
import { anySightings, daysAgo, fieldOf, matched, near, sighting, TODAY } from './gaen-risk-fixture.ts'

const exposures = (match: MatchedKey, scoring: ScoringV1 = API_SCORING_V1, today = TODAY) =>
  exposuresV1(match, scoring, DEFAULT_READING, PHONE_SCANNING, today)
const exposure = (sightings: readonly Sighting[], scoring?: ScoringV1) => {
  const [first, ...others] = exposures(matched(sightings), scoring)
  assert.equal(others.length, 0)
  return first!
}

test('three sightings: the attenuation holds until the next one, and reaches 150 s beyond both ends', () => {
  // 10:00 at 40 dB, 10:04 at 52 dB, 10:10 at 80 dB. 150 + 240 = 390 s at 40, 360 s at 52, 150 s at 80: 900 s.
  // (390 * 40 + 360 * 52 + 150 * 80) / 900 = (15600 + 18720 + 12000) / 900 = 51.47. Seen 600 s, with one interval 900 s.
  // The key has no transmission risk, which scores 1: 4 * 4 * 4 * 1.
  assert.deepEqual(exposure([sighting(0, 40), sighting(240, 52), sighting(600, 80)]), {
    day: TODAY,
    duration: 900,
    attenuation: 51,
    durations: [390, 360, 150],
    riskScore: 64,
  })
})

test('a single sighting is five minutes', () => {
  const { duration, attenuation, durations } = exposure([sighting(0, 60)])
  assert.deepEqual({ duration, attenuation, durations }, { duration: 300, attenuation: 60, durations: [0, 300, 0] })
})

test('durations are told below, from and from above the thresholds: 50 and 74 dB belong to what is farther', () => {
  const durations = (attenuation: number) => exposure([sighting(0, attenuation)]).durations
  assert.deepEqual([49, 50, 73, 74].map(durations), [
    [300, 0, 0],
    [0, 300, 0],
    [0, 300, 0],
    [0, 0, 300],
  ])
})

test('the duration is rounded to five minutes, a half down', () => {
  const duration = (seconds: number) => exposure([sighting(0, 60), sighting(seconds, 60)]).duration
  // Seen plus 300: 450 is half way and becomes 300, 451 becomes 600; 600; 750 becomes 600, 751 becomes 900.
  assert.deepEqual([30, 150, 151, 300, 450, 451].map(duration), [300, 300, 600, 600, 600, 900])
})

test('a gap of more than ten minutes makes two exposures', () => {
  assert.equal(exposures(matched([sighting(0, 60), sighting(600, 60)])).length, 1)
  assert.deepEqual(
    exposures(matched([sighting(0, 60), sighting(601, 60)])).map(({ duration }) => duration),
    [300, 300],
  )
})

test('of a scan the strongest sighting counts; without a strength it is 60 dB', () => {
  assert.equal(exposure([sighting(0, 70), sighting(5, 66), sighting(10, 75)]).attenuation, 66)
  assert.equal(exposure([sighting(0), sighting(5, 61)]).attenuation, 60)
  // Of two that are equally strong the first: 150 + 300 s at 60 dB and 150 s at 80 dB.
  assert.deepEqual(exposure([sighting(0, 60), sighting(20, 60), sighting(300, 80)]).durations, [0, 450, 150])
  // Of another identifier it is another scan.
  const change = { interval: sighting(600).interval }
  assert.deepEqual(exposure([sighting(0, 30), sighting(10, 80, change)]).durations, [160, 0, 150])
})

test('replays are dropped, and so are keys that do not count', () => {
  const { interval } = sighting(0)
  assert.equal(exposures(matched([0, 1201].map((at) => sighting(at, 60, { interval })))).length, 1)
  assert.deepEqual(exposures(matched(near(10), { reportType: REPORT_TYPE.revoked })), [])
  assert.deepEqual(exposures(matched([])), [])
})

const SCORING: ScoringV1 = {
  attenuationScores: [0, 1, 2, 3, 4, 5, 6, 7],
  daysSinceExposureScores: [1, 2, 3, 4, 5, 6, 7, 8],
  durationScores: [0, 1, 2, 3, 4, 5, 6, 7],
  transmissionRiskScores: [8, 7, 6, 5, 4, 3, 2, 1],
  minimumRiskScore: 1,
  durationThresholds: [50, 74],
}
const ONE: RiskFactorsV1 = { attenuation: 73, days: 14, duration: 300, transmissionRisk: 8 }
const score = (change: Partial<RiskFactorsV1>, scoring = SCORING) => riskScore({ ...ONE, ...change }, scoring)

test('the score is a product of four, each from a table of eight; every edge', () => {
  // At ONE every factor is 1.
  assert.equal(score({}), 1)
  const attenuations = [74, 73, 64, 63, 52, 51, 34, 33, 28, 27, 16, 15, 11, 10, 0]
  assert.deepEqual(
    attenuations.map((attenuation) => score({ attenuation })),
    [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7],
  )
  assert.deepEqual(
    [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((days) => score({ days })),
    [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8],
  )
  assert.deepEqual(
    [0, 59, 60, 359, 360, 660, 900, 960, 1200, 1260, 1500, 1560, 1859, 1860].map((duration) => score({ duration })),
    [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7],
  )
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((transmissionRisk) => score({ transmissionRisk })),
    [8, 7, 6, 5, 4, 3, 2, 1],
  )
  // 7 * 8 * 7 * 8, the largest of this table; a level that is none scores 1.
  const most = { attenuation: 0, days: 0, duration: 3600 }
  assert.equal(score({ ...most, transmissionRisk: 1 }), 3136)
  assert.deepEqual(
    [0, 9].map((transmissionRisk) => score({ ...most, transmissionRisk })),
    [392, 392],
  )
})

test('by the defaults of the interface everybody scores 256', () => {
  for (const attenuation of [0, 11, 16, 28, 34, 52, 64, 74]) {
    assert.equal(score({ attenuation }, API_SCORING_V1), 256)
  }
  for (const days of [0, 2, 4, 6, 8, 10, 12, 14]) assert.equal(score({ days }, API_SCORING_V1), 256)
  for (const minutes of [0, 5, 10, 15, 20, 25, 30, 35]) {
    assert.equal(score({ duration: 60 * minutes }, API_SCORING_V1), 256)
  }
  for (const transmissionRisk of [1, 2, 3, 4, 5, 6, 7, 8]) {
    assert.equal(score({ transmissionRisk }, API_SCORING_V1), 256)
  }
})

test('a score below the minimum is 0, the minimum itself stays', () => {
  const at = (minimumRiskScore: number) => score({ transmissionRisk: 4 }, { ...SCORING, minimumRiskScore })
  assert.deepEqual([at(5), at(6)], [5, 0])
})

test('an exposure is of the day of its key, and the days since then are part of its score', () => {
  const old = exposures(matched(near(10), { transmissionRisk: 8 }), SCORING, daysAgo(-4))
  // 60 dB scores 2, 4 days 6, 10 minutes 2, level 8 scores 1: 24.
  assert.deepEqual(
    old.map(({ day, duration, riskScore: risk }) => [day, duration, risk]),
    [[TODAY, 600, 24]],
  )
})

test('the order of sightings changes nothing, and durations add up to the exposure', () => {
  holds(
    fc.property(anySightings, (sightings) => {
      const found = exposures(matched(sightings))
      assert.deepEqual(exposures(matched([...sightings].reverse())), found)
      for (const { duration, durations, attenuation } of found) {
        const sum = durations.reduce((total, seconds) => total + seconds, 0)
        assert.ok(Math.abs(sum - duration) <= 150)
        assert.ok(attenuation >= 0 && attenuation <= 100)
      }
    }),
  )
})

test('one more sighting at the end of an exposure never shortens it', () => {
  holds(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 30, max: 600 }), (count, after) => {
      const before = [sighting(0, 60), ...near(5 * count)]
      const last = before.at(-1)!.at - before[0]!.at
      assert.ok(exposure([...before, sighting(last + after, 60)]).duration >= exposure(before).duration)
    }),
  )
})

test('tables from outside are refused by the name of their field', () => {
  const field = (change: object) => fieldOf(() => checkScoringV1({ ...SCORING, ...change }))
  assert.equal(field({}), undefined)
  assert.equal(
    fieldOf(() => checkScoringV1(API_SCORING_V1)),
    undefined,
  )
  const names = ['attenuationScores', 'daysSinceExposureScores', 'durationScores', 'transmissionRiskScores']
  for (const name of names) {
    for (const scores of [
      [1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3, 4, 5, 6, 9],
      [0, 1, 2, 3, 4, 5, 6, -1],
      Array(8).fill(0.5),
    ]) {
      assert.equal(field({ [name]: scores }), name)
    }
  }
  for (const minimumRiskScore of [0, 4097, 1.5]) assert.equal(field({ minimumRiskScore }), 'minimumRiskScore')
  for (const thresholds of [
    [60, 60],
    [0, 0],
    [0, 255],
  ]) {
    assert.equal(field({ durationThresholds: thresholds }), undefined)
  }
  for (const durationThresholds of [[60, 50], [-1, 50], [50, 256], [50]]) {
    assert.equal(field({ durationThresholds }), 'durationThresholds')
  }
})
