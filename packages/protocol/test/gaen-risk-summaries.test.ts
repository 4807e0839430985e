// Daily summaries, worked by hand with the default weights: up to 55 dB 1.75, 67 dB 1, 75 dB 0.33, then 0; standard 0.3, high 1.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkSummaryWeights,
  type DailySummary,
  DEFAULT_DAILY_SUMMARIES,
  dailySummaries,
  type ExposureWindow,
  INFECTIOUSNESS,
  REPORT_TYPE,
  type SummaryWeights,
} from '../src/gaen/index.ts'
import { holds } from './fixture.ts'
import { anyScan, anyWindow, daysAgo, fieldOf, scan, TODAY, windowOf } from './gaen-risk-fixture.ts'

const { weights: WEIGHTS } = DEFAULT_DAILY_SUMMARIES
const NOTHING = { maximumScore: 0, scoreSum: 0, weightedDurationSum: 0 }
const standard = { infectiousness: INFECTIOUSNESS.standard } as const
const summaries = (windows: readonly ExposureWindow[], change: Partial<SummaryWeights> = {}) =>
  dailySummaries(windows, { ...WEIGHTS, ...change }, TODAY)
const total = (windows: readonly ExposureWindow[], change?: Partial<SummaryWeights>) => {
  const [summary, ...others] = summaries(windows, change)
  assert.equal(others.length, 0)
  return summary!.total
}
const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}`)

test('the attenuation of a scan chooses its weight: each threshold belongs to the nearer bucket', () => {
  // A hundred minutes, to see the weights as they are written.
  const score = (attenuation: number) => Math.round(total([windowOf([scan(6000, attenuation)])]).scoreSum) / 60
  assert.deepEqual([0, 55, 56, 67, 68, 75, 76, 200].map(score), [175, 175, 100, 100, 33, 33, 0, 0])
})

test('it is the typical attenuation that counts, not the least', () => {
  assert.equal(total([windowOf([scan(300, 60, 40)])]).scoreSum, 300)
})

test('a day in four windows and three report types, added by hand', () => {
  const [summary] = summaries([
    // 300 * 1.75 + 300 * 1 = 825
    windowOf([scan(300, 50), scan(300, 60)]),
    // 600 * 1 = 600 by duration, 600 * 0.3 = 180
    windowOf([scan(300, 60), scan(300, 60)], standard),
    // 300 * 0.33 + 60 * 0 = 99
    windowOf([scan(300, 70), scan(60, 90)], { reportType: REPORT_TYPE.confirmedClinicalDiagnosis }),
    // 240 * 1 = 240
    windowOf([scan(240, 60)], { reportType: REPORT_TYPE.selfReport }),
  ])
  const expected: DailySummary = {
    day: TODAY,
    // 825 + 180 + 99 + 240 = 1344; 825 + 600 + 99 + 240 = 1764
    total: { maximumScore: 825, scoreSum: 1344, weightedDurationSum: 1764 },
    confirmedTest: { maximumScore: 825, scoreSum: 1005, weightedDurationSum: 1425 },
    confirmedClinicalDiagnosis: { maximumScore: 99, scoreSum: 99, weightedDurationSum: 99 },
    selfReport: { maximumScore: 240, scoreSum: 240, weightedDurationSum: 240 },
  }
  assert.deepEqual(summary, expected)
})

test('each report type and each infectiousness has its weight', () => {
  const change = { confirmedTest: 0.5, confirmedClinicalDiagnosis: 2, selfReport: 2.5, highInfectiousness: 1.5 }
  const score = (reportType: ExposureWindow['reportType'], more = {}) =>
    total([windowOf([scan(100, 60)], { reportType, ...more })], change).scoreSum
  // 100 * 0.5 * 1.5, 100 * 2 * 1.5, 100 * 2.5 * 1.5, 100 * 2 * 0.3
  assert.deepEqual([score(1), score(2), score(3), score(2, standard)], [75, 300, 375, 60])
})

test('a window below the minimum counts for nothing, one that reaches it does', () => {
  const windows = [windowOf([scan(300, 60)]), windowOf([scan(240, 60)])]
  assert.deepEqual(total(windows, { minimumWindowScore: 300 }), {
    maximumScore: 300,
    scoreSum: 300,
    weightedDurationSum: 300,
  })
  assert.deepEqual(total(windows, { minimumWindowScore: 301 }), NOTHING)
})

test('days are told apart, ascending; older ones than the threshold are left out, and with 0 none', () => {
  const windows = [0, 10, 3, 11, 14, 3].map((age) => windowOf([scan(60, 60)], { day: daysAgo(age) }))
  const ages = (daysSinceExposureThreshold: number) =>
    summaries(windows, { daysSinceExposureThreshold }).map(({ day, total }) => [TODAY - day, total.scoreSum])
  assert.deepEqual(ages(10), [
    [10, 60],
    [3, 120],
    [0, 60],
  ])
  assert.deepEqual(
    ages(0).map(([age]) => age),
    [14, 11, 10, 3, 0],
  )
})

test('no windows, no summaries', () => assert.deepEqual(summaries([]), []))

test('more time near somebody never lowers a summary', () => {
  holds(
    fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 6 }), anyScan, fc.nat(), (windows, more, at) => {
      const longer = windows.map((window, k) =>
        k === at % windows.length ? { ...window, scans: [...window.scans, more] } : window,
      )
      const before = summaries(windows)
      for (const [k, after] of summaries(longer).entries()) {
        assert.ok(after.total.scoreSum >= before[k]!.total.scoreSum - 1e-9)
        assert.ok(after.total.maximumScore >= before[k]!.total.maximumScore - 1e-9)
        assert.ok(after.total.weightedDurationSum >= before[k]!.total.weightedDurationSum - 1e-9)
      }
    }),
  )
})

test('where a window is cut changes no sum of a day, and can only lower its maximum', () => {
  holds(
    fc.property(anyWindow, fc.nat(8), (window, at) => {
      const parts = [window.scans.slice(0, at), window.scans.slice(at)].map((scans) => ({ ...window, scans }))
      const every = { daysSinceExposureThreshold: 0 }
      const whole = total([window], every)
      const cut = total(parts, every)
      close(cut.scoreSum, whole.scoreSum)
      close(cut.weightedDurationSum, whole.weightedDurationSum)
      assert.ok(cut.maximumScore <= whole.maximumScore + 1e-9)
    }),
  )
})

test('the order of windows changes no summary', () => {
  holds(
    fc.property(fc.array(anyWindow, { maxLength: 12 }), (windows) => {
      const there = summaries(windows)
      const back = summaries([...windows].reverse())
      assert.deepEqual(
        back.map(({ day }) => day),
        there.map(({ day }) => day),
      )
      for (const [k, { total }] of there.entries()) {
        close(back[k]!.total.scoreSum, total.scoreSum)
        assert.equal(back[k]!.total.maximumScore, total.maximumScore)
      }
    }),
  )
})

test('weights that the platforms would refuse are refused by name', () => {
  const field = (change: object) => fieldOf(() => checkSummaryWeights({ ...WEIGHTS, ...change }))
  assert.equal(field({}), undefined)
  assert.equal(field({ attenuationThresholds: [0, 1, 255] }), undefined)
  const thresholds = [
    [-1, 1, 2],
    [1, 1, 2],
    [1, 3, 2],
    [1, 2, 256],
    [1, 2],
    [1, 2, 3, 4],
    [1, 1.5, 3],
    [Number.NaN, 1, 2],
  ]
  for (const attenuationThresholds of thresholds) {
    assert.equal(field({ attenuationThresholds }), 'attenuationThresholds')
  }
  for (const attenuationWeights of [
    [1, 1, 1],
    [1, 1, 1, 2.6],
    [1, -0.1, 1, 1],
  ]) {
    assert.equal(field({ attenuationWeights }), 'attenuationWeights')
  }
  const named = ['confirmedTest', 'confirmedClinicalDiagnosis', 'selfReport', 'standardInfectiousness'] as const
  for (const name of [...named, 'highInfectiousness']) {
    assert.equal(field({ [name]: 0 }), undefined)
    assert.equal(field({ [name]: 2.5 }), undefined)
    for (const weight of [-0.01, 2.51, Number.NaN]) assert.equal(field({ [name]: weight }), name)
  }
  assert.equal(field({ minimumWindowScore: -1 }), 'minimumWindowScore')
  assert.equal(field({ daysSinceExposureThreshold: 0 }), undefined)
  for (const days of [-1, 1.5]) {
    assert.equal(field({ daysSinceExposureThreshold: days }), 'daysSinceExposureThreshold')
  }
})
