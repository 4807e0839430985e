// What the phone asks: am I at risk, since when? By each model, over the same sightings.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  CWA_BEFORE_1_15,
  checkConfiguration,
  DEFAULT_CWA,
  DEFAULT_DAILY_SUMMARIES,
  DEFAULT_EXPOSURE_MODEL,
  DEFAULT_READING,
  DEFAULT_V1,
  defaultConfiguration,
  EXPOSURE_MODEL_NAMES,
  type ExposureModelName,
  exposureRiskOf,
  keyStartAt,
  type MatchedKey,
  PHONE_SCANNING,
  RECORD_SCANNING,
  REPORT_TYPE,
  recordSighting,
  type Sighting,
} from '../src/gaen/index.ts'
import { later, type UtcDay } from '../src/time.ts'
import { holds } from './fixture.ts'
import { anySightings, daysAgo, fieldOf, MORNING, matched, near, sighting, TODAY } from './gaen-risk-fixture.ts'

const DAY = 86_400
const risk = (name: ExposureModelName, matches: readonly MatchedKey[], today = TODAY) =>
  exposureRiskOf(name, matches, defaultConfiguration(name), today)
const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`)

/** The same contact so many days ago, of the key of that day. */
const ago = (days: number, sightings: readonly Sighting[]): MatchedKey =>
  matched(
    sightings.map((one) => ({ ...one, at: later(one.at, -days * DAY), previousScanAt: undefined })),
    { rollingStart: keyStartAt(later(MORNING, -days * DAY)) },
  )

test('the models have names that stay, and the phone one of them by default', () => {
  assert.deepEqual(EXPOSURE_MODEL_NAMES, ['daily-summaries-1', 'v1-1', 'cwa-1'])
  assert.equal(DEFAULT_EXPOSURE_MODEL, 'daily-summaries-1')
})

test('a model that landed never changes: its numbers as they were published', () => {
  const { weights, minutes } = DEFAULT_DAILY_SUMMARIES
  assert.deepEqual(
    { ...weights, minutes },
    {
      attenuationThresholds: [55, 67, 75],
      attenuationWeights: [1.75, 1, 0.33, 0],
      confirmedTest: 1,
      confirmedClinicalDiagnosis: 1,
      selfReport: 1,
      standardInfectiousness: 0.3,
      highInfectiousness: 1,
      minimumWindowScore: 0,
      daysSinceExposureThreshold: 10,
      minutes: 15,
    },
  )
  const { scoring, durationWeights, maximumAge } = DEFAULT_V1
  const ones = [1, 1, 1, 1, 1, 1, 1, 1]
  assert.deepEqual(scoring, {
    attenuationScores: [2, 3, 4, 5, 6, 7, 8, 8],
    daysSinceExposureScores: ones,
    durationScores: ones,
    transmissionRiskScores: ones,
    minimumRiskScore: 1,
    durationThresholds: [56, 70],
  })
  assert.deepEqual([durationWeights, DEFAULT_V1.minutes, maximumAge], [[1.5, 0.7, 0], 15, 10])
  const cwa = {
    attenuationFilters: [],
    attenuationWeights: [
      { attenuation: { from: 0, to: 63 }, weight: 0.8 },
      { attenuation: { from: 63, to: 73 }, weight: 1 },
      { attenuation: { from: 73, to: 79 }, weight: 0.1 },
    ],
    transmissionRiskValues: [0, 0, 0.6, 0.8, 1, 1.2, 1.4, 1.6],
    window: { low: 0, high: 9 },
    day: { low: 5, high: 9 },
    maximumAge: 10,
  }
  assert.deepEqual(DEFAULT_CWA.parameters, cwa)
  assert.deepEqual(CWA_BEFORE_1_15, {
    ...cwa,
    attenuationFilters: [{ attenuation: { from: 0, to: 79 }, dropMinutes: { from: 0, to: 5 } }],
    window: { low: 0, high: 13 },
    day: { low: 0, high: 13 },
    maximumAge: 14,
  })
  for (const name of EXPOSURE_MODEL_NAMES) {
    const { reading, scanning } = defaultConfiguration(name)
    assert.deepEqual([reading, scanning], [DEFAULT_READING, PHONE_SCANNING])
  }
  assert.deepEqual(PHONE_SCANNING, {
    sameScan: 25.5,
    window: 1800,
    mostMinutes: 5,
    unknownMinutes: 2,
    unknownAttenuation: 60,
  })
})

test('daily-summaries-1: fifteen minutes at 60 dB in a day put at risk, ten do not', () => {
  // Scans every five minutes of weight 1: 3 * 5 and 2 * 5.
  const of = (minutes: number) => risk('daily-summaries-1', [matched(near(minutes))])
  assert.deepEqual(of(15), { atRisk: true, score: 15, newestDay: TODAY })
  assert.deepEqual(of(10), { atRisk: false, score: 10 })
  // Nearer than 55 dB ten minutes are 17.5.
  assert.deepEqual(risk('daily-summaries-1', [matched(near(10, 55))]), { atRisk: true, score: 17.5, newestDay: TODAY })
})

test('daily-summaries-1: on a day of standard infectiousness the same contact counts 0.3', () => {
  // 45 * 0.3 = 13.5 and 50 * 0.3 = 15.
  const of = (minutes: number) => risk('daily-summaries-1', [matched(near(minutes), { daysSinceOnset: -4 })])
  assert.equal(of(45).atRisk, false)
  close(of(45).score, 13.5)
  assert.equal(of(50).atRisk, true)
})

test('daily-summaries-1: two scans at 50 dB and one at 60 dB, five minutes each, are 22.5 minutes or 6.75', () => {
  const of = (daysSinceOnset: number) =>
    risk('daily-summaries-1', [matched([sighting(0, 50), sighting(300, 50), sighting(600, 60)], { daysSinceOnset })])
  // (600 * 1.75 + 300 * 1) / 60 = 22.5, and 0.3 of it on a day of standard infectiousness.
  close(of(0).score, 22.5)
  close(of(4).score, 6.75)
})

test('two people on one day add up, two days do not', () => {
  const ten = matched(near(10))
  assert.equal(risk('daily-summaries-1', [ten, ten]).atRisk, true)
  const days = [ten, ago(1, [sighting(0, 60), sighting(300, 60), sighting(600, 60), sighting(900, 60)])]
  // Two minutes for each scan whose predecessor is unknown: 8 a day ago.
  assert.deepEqual(risk('daily-summaries-1', days), { atRisk: false, score: 10 })
})

test('v1-1: minutes below 56 dB count 1.5, below 70 dB 0.7, farther nothing', () => {
  // 10 minutes at 55 dB: 2 sightings, 150 + 300 + 150 = 600 s, 10 * 1.5 = 15.
  assert.deepEqual(risk('v1-1', [matched(near(10, 55))]), { atRisk: true, score: 15, newestDay: TODAY })
  const of = (minutes: number, attenuation: number) => risk('v1-1', [matched(near(minutes, attenuation))])
  assert.equal(of(20, 56).atRisk, false)
  close(of(20, 69).score, 14)
  close(of(25, 69).score, 17.5)
  assert.equal(of(25, 69).atRisk, true)
  assert.deepEqual(of(120, 70), { atRisk: false, score: 0 })
})

test('v1-1: without any risk score minutes alone do not put at risk', () => {
  const scoring = { ...DEFAULT_V1.scoring, minimumRiskScore: 4096 }
  const found = exposureRiskOf('v1-1', [matched(near(30, 50))], { ...DEFAULT_V1, scoring }, TODAY)
  assert.deepEqual(found, { atRisk: false, score: 45 })
  // The least score there is suffices.
  const one = { ...DEFAULT_V1.scoring, attenuationScores: [1, 1, 1, 1, 1, 1, 1, 1] }
  const scored = exposureRiskOf('v1-1', [matched(near(30, 50))], { ...DEFAULT_V1, scoring: one }, TODAY)
  assert.equal(scored.atRisk, true)
})

test('cwa-1: ten minutes at 70 dB of a confirmed and highly infectious case put at risk, five do not', () => {
  // Level 8 is worth 1.6: 5 minutes are 8, 10 are 16.
  assert.deepEqual(risk('cwa-1', [matched(near(5, 70))]), { atRisk: false, score: 8 })
  assert.deepEqual(risk('cwa-1', [matched(near(10, 70))]), { atRisk: true, score: 16, newestDay: TODAY })
  // Self-reported and standard, level 3: 15 * 0.6 = 9.
  const self = { reportType: REPORT_TYPE.selfReport, daysSinceOnset: 5 }
  assert.deepEqual(risk('cwa-1', [matched(near(15, 70), self)]), { atRisk: true, score: 9, newestDay: TODAY })
})

test('the newest day that suffices is named, and not one that does not', () => {
  const hour = near(60, 50)
  for (const name of EXPOSURE_MODEL_NAMES) {
    const matches = [ago(7, hour), ago(3, hour), ago(1, [sighting(0, 78)])]
    const found = risk(name, matches)
    assert.ok(found.atRisk)
    assert.equal(found.newestDay, daysAgo(3), name)
  }
})

test('ten days ago still counts, eleven do not', () => {
  const hour = near(60, 50)
  for (const name of EXPOSURE_MODEL_NAMES) {
    assert.equal(risk(name, [ago(10, hour)]).atRisk, true, name)
    assert.deepEqual(risk(name, [ago(11, hour)]), { atRisk: false, score: 0 }, name)
  }
})

test('nobody met, no risk; nor from keys that were taken back', () => {
  for (const name of EXPOSURE_MODEL_NAMES) {
    assert.deepEqual(risk(name, []), { atRisk: false, score: 0 })
    const revoked = matched(near(60, 50), { reportType: REPORT_TYPE.revoked })
    assert.deepEqual(risk(name, [revoked]), { atRisk: false, score: 0 })
  }
})

test('records of contact without strength: in each model some minutes put at risk', () => {
  /** The fewest minutes of unbroken records of 20 s that suffice. */
  const fewest = (name: ExposureModelName) => {
    for (let minutes = 1; minutes < 60; minutes++) {
      const records = Array.from({ length: 3 * minutes }, (_, k) => {
        const at = 20 * (k + 1)
        return recordSighting(later(MORNING, at), 20, sighting(at).interval)
      })
      const configuration = { ...defaultConfiguration(name), scanning: RECORD_SCANNING }
      if (exposureRiskOf(name, [matched(records)], configuration, TODAY).atRisk) return minutes
    }
    return undefined
  }
  // 15 at weight 1; 7 less 20 s but 5 minutes more for the ends, at 0.7: (17 - 1/3 + 5) * 0.7 = 15.17; 8 * 0.8 * 1.6 = 10.24.
  assert.deepEqual(EXPOSURE_MODEL_NAMES.map(fewest), [15, 17, 8])
})

test('neither the order of keys nor that of their sightings changes a risk', () => {
  holds(
    fc.property(fc.array(anySightings, { maxLength: 4 }), (lists) => {
      const there = lists.map((list) => matched(list))
      const back = lists.map((list) => matched([...list].reverse())).reverse()
      for (const name of EXPOSURE_MODEL_NAMES) {
        const [a, b] = [risk(name, there), risk(name, back)]
        close(a.score, b.score)
        assert.equal(a.atRisk, b.atRisk)
      }
    }),
    100,
  )
})

test('another key that was met never lowers a risk', () => {
  holds(
    fc.property(anySightings, anySightings, (one, other) => {
      for (const name of EXPOSURE_MODEL_NAMES) {
        const alone = risk(name, [matched(one)])
        const both = risk(name, [matched(one), matched(other)])
        assert.ok(both.score >= alone.score - 1e-9)
        assert.ok(both.atRisk || !alone.atRisk)
      }
    }),
    100,
  )
})

test('a longer contact at one distance never lowers a risk', () => {
  holds(
    fc.property(
      fc.nat(23),
      fc.nat(24),
      fc.nat(90),
      fc.integer({ min: -6, max: 7 }),
      (some, more, attenuation, onset) => {
        const of = (scans: number) => [matched(near(5 * scans, attenuation), { daysSinceOnset: onset })]
        for (const name of EXPOSURE_MODEL_NAMES) {
          const [shorter, longer] = [risk(name, of(some)), risk(name, of(some + more))]
          assert.ok(longer.score >= shorter.score - 1e-9, name)
          assert.ok(longer.atRisk || !shorter.atRisk, name)
        }
      },
    ),
    100,
  )
})

test('the defaults pass their own checks', () => {
  for (const name of EXPOSURE_MODEL_NAMES) checkConfiguration(name, defaultConfiguration(name))
})

test('a configuration from outside is refused by the name of its field', () => {
  const summaries = (change: object) =>
    fieldOf(() => checkConfiguration('daily-summaries-1', { ...DEFAULT_DAILY_SUMMARIES, ...change }))
  const { reading, scanning, weights } = DEFAULT_DAILY_SUMMARIES
  assert.equal(summaries({ reading: { ...reading, infectiousness: [] } }), 'infectiousness')
  assert.equal(summaries({ scanning: { ...scanning, window: -1 } }), 'window')
  assert.equal(summaries({ scanning: { ...scanning, sameScan: 0 } }), undefined)
  assert.equal(summaries({ weights: { ...weights, selfReport: 3 } }), 'selfReport')
  assert.equal(summaries({ minutes: 1 }), undefined)
  for (const minutes of [0, -1, Number.NaN]) assert.equal(summaries({ minutes }), 'minutes')

  const first = (change: object) => fieldOf(() => checkConfiguration('v1-1', { ...DEFAULT_V1, ...change }))
  assert.equal(first({ scoring: { ...DEFAULT_V1.scoring, minimumRiskScore: 0 } }), 'minimumRiskScore')
  for (const durationWeights of [
    [1, 1],
    [1, 1, -1],
  ])
    assert.equal(first({ durationWeights }), 'durationWeights')
  assert.equal(first({ minutes: 0 }), 'minutes')
  assert.equal(first({ maximumAge: 0 }), undefined)
  for (const maximumAge of [-1, 0.5]) assert.equal(first({ maximumAge }), 'maximumAge')

  const cwa = { ...DEFAULT_CWA, parameters: { ...DEFAULT_CWA.parameters, maximumAge: -1 as UtcDay } }
  assert.equal(
    fieldOf(() => checkConfiguration('cwa-1', cwa)),
    'maximumAge',
  )
})
