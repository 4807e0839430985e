// The Corona-Warn-App's model, worked by hand: up to 63 dB 0.8, 73 dB 1, 79 dB 0.1; level 3 to 8 is worth 0.6 to 1.6.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  CWA_1_15,
  CWA_BEFORE_1_15,
  checkCwaParameters,
  cwaDays,
  type ExposureWindow,
  INFECTIOUSNESS,
  normalizedTime,
  REPORT_TYPE,
  transmissionRiskLevel,
} from '../src/gaen/index.ts'
import { holds } from './fixture.ts'
import { anyScan, anyWindow, daysAgo, fieldOf, scan, TODAY, windowOf } from './gaen-risk-fixture.ts'

/** Level 5, which is worth 1: minutes at 63 to 72 dB are normalised minutes. */
const FIVE = { reportType: REPORT_TYPE.confirmedClinicalDiagnosis, infectiousness: INFECTIOUSNESS.standard } as const
const minutes = (count: number, more: Partial<ExposureWindow> = {}) =>
  windowOf([scan(60 * count, 70)], { ...FIVE, ...more })
const days = (windows: readonly ExposureWindow[], parameters = CWA_1_15) => cwaDays(windows, parameters, TODAY)
const levels = (windows: readonly ExposureWindow[], parameters = CWA_1_15) =>
  days(windows, parameters).map(({ riskLevel }) => riskLevel)
const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`)

test('the level is that of the report type plus that of infectiousness: 3 to 8', () => {
  const level = (reportType: ExposureWindow['reportType'], infectiousness: ExposureWindow['infectiousness']) =>
    transmissionRiskLevel(windowOf([], { reportType, infectiousness }))
  assert.deepEqual([level(3, 1), level(3, 2), level(2, 1), level(2, 2), level(1, 1), level(1, 2)], [3, 4, 5, 6, 7, 8])
})

test('normalised time: seconds weighted by the least attenuation, times the value of the level, in minutes', () => {
  // (300 * 0.8 + 300 * 1 + 120 * 0.1) / 60 = 552 / 60 = 9.2; level 8: 9.2 * 1.6 = 14.72.
  const scans = [scan(300, 90, 62), scan(300, 90, 72), scan(120, 90, 78), scan(300, 90, 79)]
  close(normalizedTime(windowOf(scans), CWA_1_15), 14.72)
  // Level 3: 9.2 * 0.6 = 5.52.
  const self = { reportType: REPORT_TYPE.selfReport, infectiousness: INFECTIOUSNESS.standard } as const
  close(normalizedTime(windowOf(scans, self), CWA_1_15), 5.52)
})

test('the edges of attenuation belong to what is farther', () => {
  const weight = (attenuation: number) => normalizedTime(windowOf([scan(60, attenuation)], FIVE), CWA_1_15)
  const expected = [0.8, 0.8, 1, 1, 0.1, 0.1, 0, 0]
  for (const [k, attenuation] of [0, 62, 63, 72, 73, 78, 79, 200].entries()) close(weight(attenuation), expected[k]!)
})

test('a day is a low risk from 5 normalised minutes on, and a high one from 9 on', () => {
  const ofMinutes = (count: number) => levels([minutes(count)])
  assert.deepEqual([4, 5, 8, 9].map(ofMinutes), [[undefined], ['low'], ['low'], ['high']])
})

test('windows of a day add up: 3 and 6 minutes are two low encounters and one day of high risk', () => {
  const [day, ...others] = days([minutes(3), minutes(6, { calibrationConfidence: 2 })])
  assert.equal(others.length, 0)
  assert.deepEqual(day, { day: TODAY, normalizedTime: 9, riskLevel: 'high', encounters: { low: 2, high: 0 } })
})

test('encounters are told apart by level and confidence, so that one person is not counted twice', () => {
  const other = { calibrationConfidence: 1 }
  const [day] = days([minutes(10), minutes(11), minutes(10, other), minutes(1), minutes(2), windowOf([scan(60, 70)])])
  assert.deepEqual(day!.encounters, { low: 2, high: 2 })
})

test('days are told apart, ascending, and none is older than ten days', () => {
  const windows = [2, 11, 10, 0].map((age) => minutes(9, { day: daysAgo(age) }))
  assert.deepEqual(
    days(windows).map(({ day }) => TODAY - day),
    [10, 2, 0],
  )
})

test('before 1.15: high from 13 normalised minutes on, and a window of less than 5 whole minutes was dropped', () => {
  const before = (count: number) => levels([minutes(count)], CWA_BEFORE_1_15)
  assert.deepEqual([4, 5, 12, 13].map(before), [[], ['low'], ['low'], ['high']])
  assert.deepEqual(levels([windowOf([scan(0, 0)])], CWA_BEFORE_1_15), [])
  assert.deepEqual(levels([windowOf([scan(300, 0)])], CWA_BEFORE_1_15), ['low'])
  // 299 s are 4 minutes. What is at 79 dB or farther does not help.
  assert.deepEqual(levels([windowOf([scan(299, 70), scan(300, 79)])], CWA_BEFORE_1_15), [])
  assert.deepEqual(levels([windowOf([scan(300, 78)])], CWA_BEFORE_1_15), ['low'])
  assert.equal(days([minutes(9, { day: daysAgo(14) })], CWA_BEFORE_1_15).length, 1)
})

test('a window below its own low threshold is dropped before days are added up', () => {
  const parameters = { ...CWA_1_15, window: { low: 4, high: 9 } }
  assert.deepEqual(
    days([minutes(3), minutes(4)], parameters).map(({ normalizedTime: time }) => time),
    [4],
  )
})

test('more time near somebody never lowers a day', () => {
  holds(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 6 }), anyScan, fc.nat(), (windows, more, at) => {
      const longer = windows.map((window, k) =>
        k === at % windows.length ? { ...window, scans: [...window.scans, more] } : window,
      )
      const before = days(windows)
      for (const [k, after] of days(longer).entries()) {
        assert.ok(after.normalizedTime >= before[k]!.normalizedTime - 1e-9)
        if (before[k]!.riskLevel === 'high') assert.equal(after.riskLevel, 'high')
      }
    }),
  )
})

test('neither where windows are cut nor their order changes the time of a day', () => {
  holds(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 6 }), fc.nat(8), (windows, at) => {
      const cut = windows.flatMap((window) =>
        [window.scans.slice(at), window.scans.slice(0, at)].map((scans) => ({ ...window, scans })),
      )
      const whole = days(windows)
      const parts = days(cut.reverse())
      assert.equal(parts.length, whole.length)
      for (const [k, { normalizedTime: time, day }] of whole.entries()) {
        assert.equal(parts[k]!.day, day)
        close(parts[k]!.normalizedTime, time)
      }
    }),
  )
})

test('parameters from outside are refused by the name of their field', () => {
  const field = (change: object) => fieldOf(() => checkCwaParameters({ ...CWA_BEFORE_1_15, ...change }))
  assert.equal(field({}), undefined)
  const range = { from: 0, to: 5 }
  const wrong = [
    { from: 5, to: 5 },
    { from: -1, to: 5 },
  ]
  for (const attenuation of wrong) {
    assert.equal(field({ attenuationFilters: [{ attenuation, dropMinutes: range }] }), 'attenuationFilters')
    assert.equal(
      field({ attenuationFilters: [{ attenuation: range, dropMinutes: attenuation }] }),
      'attenuationFilters',
    )
    assert.equal(field({ attenuationWeights: [{ attenuation, weight: 1 }] }), 'attenuationWeights')
  }
  assert.equal(field({ attenuationWeights: [{ attenuation: range, weight: -1 }] }), 'attenuationWeights')
  for (const transmissionRiskValues of [
    [1, 2],
    [1, 1, 1, 1, 1, 1, 1, -1],
  ]) {
    assert.equal(field({ transmissionRiskValues }), 'transmissionRiskValues')
  }
  for (const name of ['window', 'day']) {
    assert.equal(field({ [name]: { low: 9, high: 9 } }), undefined)
    for (const thresholds of [
      { low: 9, high: 5 },
      { low: -1, high: 5 },
      { low: Number.NaN, high: 5 },
    ]) {
      assert.equal(field({ [name]: thresholds }), name)
    }
  }
  assert.equal(field({ attenuationWeights: [{ attenuation: range, weight: 0 }], maximumAge: 0 }), undefined)
  for (const maximumAge of [-1, 0.5]) assert.equal(field({ maximumAge }), 'maximumAge')
})
