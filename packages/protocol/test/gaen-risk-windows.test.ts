// From sightings to exposure windows, worked by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  attenuationOf,
  CWA_FILE_READING,
  checkReading,
  countedReportType,
  DEFAULT_READING,
  exposureWindows,
  INFECTIOUSNESS,
  type IntervalNumber,
  infectiousnessOf,
  type MatchedKey,
  metadataOf,
  onsetMap,
  PHONE_SCANNING,
  RECORD_SCANNING,
  REPORT_TYPE,
  type ReportType,
  recordSighting,
  type Sighting,
  sightingOf,
} from '../src/gaen/index.ts'
import { later } from '../src/time.ts'
import { holds, unix } from './fixture.ts'
import { anySightings, daysAgo, fieldOf, KEY, MORNING, matched, near, sighting, TODAY } from './gaen-risk-fixture.ts'

const { none, standard, high } = INFECTIOUSNESS
const windows = (match: MatchedKey, scanning = PHONE_SCANNING) => exposureWindows(match, DEFAULT_READING, scanning)
const scansOf = (sightings: readonly Sighting[]) => windows(matched(sightings)).map(({ scans }) => scans)

test('attenuation is the power that was sent less the strength that was received and corrected, never below 0', () => {
  // -20 - (-80) = 60; with a receiver that hears 4 dB too little -20 - (-80 + 4) = 56.
  assert.equal(attenuationOf(-20, -80), 60)
  assert.equal(attenuationOf(-20, -80, 4), 56)
  assert.equal(attenuationOf(-20, -20), 0)
  assert.equal(attenuationOf(-20, -10), 0)
})

test('a reception becomes a sighting by its metadata; power that no phone has drops it', () => {
  const { at, interval, previousScanAt } = sighting(0)
  const reception = { at, interval, previousScanAt, strength: -80 }
  assert.deepEqual(sightingOf(reception, metadataOf(-20, 3), 4), sighting(0, 56, { calibrationConfidence: 3 }))
  for (const power of [-50, 20]) assert.equal(sightingOf(reception, metadataOf(power))?.attenuation, power + 80)
  for (const power of [-51, 21, -128, 127]) assert.equal(sightingOf(reception, metadataOf(power)), undefined)
  // Without a strength there is no attenuation; the metadata count all the same.
  assert.deepEqual(sightingOf({ ...reception, strength: undefined }, metadataOf(-20)), sighting(0))
  assert.equal(sightingOf({ ...reception, strength: undefined }, metadataOf(21)), undefined)
  // The confidence came with version 1.1: before, its bits were reserved.
  assert.equal(sightingOf(reception, { ...metadataOf(-20, 3), minorVersion: 0 })?.calibrationConfidence, 0)
  assert.equal(sightingOf(reception, { ...metadataOf(-20), majorVersion: 2 }), undefined)
})

test('a window has the UTC day, the report type, the infectiousness, and the confidence of its first sighting', () => {
  const [window, ...others] = windows(
    matched([sighting(0, 50, { calibrationConfidence: 2 }), sighting(300, 50)], { daysSinceOnset: 4 }),
  )
  assert.equal(others.length, 0)
  const { scans, ...rest } = window!
  assert.equal(scans.length, 2)
  assert.deepEqual(rest, {
    day: TODAY,
    reportType: REPORT_TYPE.confirmedTest,
    infectiousness: standard,
    calibrationConfidence: 2,
  })
})

test('a window that begins before midnight UTC is of that day, however long it lasts', () => {
  const lastMinute = unix('2026-03-04T23:59:59Z') - MORNING
  assert.deepEqual(
    windows(matched([sighting(lastMinute, 60), sighting(lastMinute + 300, 60)])).map(({ day }) => day),
    [daysAgo(1)],
  )
  assert.deepEqual(
    windows(matched([sighting(lastMinute + 1, 60)])).map(({ day }) => day),
    [TODAY],
  )
})

test('a window is cut 30 minutes after its first sighting, at 1800 s exactly', () => {
  const lengths = (...seconds: number[]) => scansOf(seconds.map((at) => sighting(at, 60))).map(({ length }) => length)
  assert.deepEqual(lengths(0, 1799), [2])
  assert.deepEqual(lengths(0, 1800), [1, 1])
  // The second window counts from its own first sighting: 0..1500, 1900..3600, 3700.
  assert.deepEqual(lengths(0, 1500, 1900, 3600, 3700), [2, 2, 1])
})

test('a scan that lies across the cut counts in both windows', () => {
  const before = { previousScanAt: later(MORNING, 1500) }
  const found = scansOf([sighting(0, 60), sighting(1790, 60, before), sighting(1805, 60, before)])
  assert.deepEqual(
    found.map((scans) => scans.map(({ secondsSinceLastScan }) => secondsSinceLastScan)),
    [[300, 240], [300]],
  )
})

test('sightings at most 25.5 s apart are one scan, however long the chain', () => {
  const lengths = (...seconds: number[]) => scansOf(seconds.map((at) => sighting(at, 60)))[0]!.length
  assert.equal(lengths(0, 25), 1)
  assert.equal(lengths(0, 26), 2)
  assert.equal(lengths(0, 25, 50, 75), 1)
})

test('a scan has the rounded mean and the least of its attenuations; halves go up', () => {
  // (50 + 55 + 61) / 3 = 55.33; (50 + 51) / 2 = 50.5.
  const [scans] = scansOf([sighting(0, 61), sighting(4, 50), sighting(8, 55), sighting(300, 50), sighting(301, 51)])
  assert.deepEqual(
    scans!.map(({ typicalAttenuation, minAttenuation }) => [typicalAttenuation, minAttenuation]),
    [
      [55, 50],
      [51, 50],
    ],
  )
})

test('the time of a scan is whole minutes of the clock since the scan before: at most 5, 2 where that is unknown', () => {
  const seconds = (at: number, previous: number | undefined) =>
    scansOf([
      sighting(at, 60, { previousScanAt: previous === undefined ? undefined : later(MORNING, previous) }),
    ])[0]![0]!.secondsSinceLastScan
  assert.equal(seconds(59, 0), 0)
  assert.equal(seconds(60, 59), 60)
  assert.equal(seconds(240, 0), 240)
  assert.equal(seconds(300, 0), 300)
  assert.equal(seconds(3600, 0), 300)
  assert.equal(seconds(0, undefined), 120)
  // The clock was set back between them.
  assert.equal(seconds(0, 600), 0)
})

test('the scan before a scan is that of its first sighting', () => {
  const [scans] = scansOf([
    sighting(300, 60, { previousScanAt: later(MORNING, 180) }),
    sighting(310, 60, { previousScanAt: MORNING }),
  ])
  assert.deepEqual(
    scans!.map(({ secondsSinceLastScan }) => secondsSinceLastScan),
    [120],
  )
})

test('an identifier that is heard more than 20 minutes after it was first is replayed, and dropped', () => {
  const interval = sighting(0).interval
  const [scans] = scansOf([0, 1200, 1201].map((at) => sighting(at, 60, { interval })))
  assert.equal(scans!.length, 2)
  // Another identifier of the key at the same time counts; the replay does not move the first time.
  const other = sighting(1500, 60)
  const found = scansOf([other, ...[0, 1201, 1400].map((at) => sighting(at, 60, { interval }))])
  assert.deepEqual(
    found.map(({ length }) => length),
    [2],
  )
})

test('no sightings, no window', () => assert.deepEqual(windows(matched([])), []))

test('a key that was taken back, of a reserved type, or of a day without infectiousness has no window', () => {
  const count = (key: Partial<MatchedKey['key']>) => windows(matched(near(5), key)).length
  assert.equal(count({}), 1)
  assert.equal(count({ reportType: REPORT_TYPE.revoked }), 0)
  assert.equal(count({ reportType: REPORT_TYPE.recursive }), 0)
  assert.equal(count({ daysSinceOnset: -5 }), 0)
  assert.equal(count({ daysSinceOnset: 6 }), 0)
})

test('infectiousness by days since onset: the guidance of 2021, day by day; what is unknown counts as high', () => {
  const days = Array.from({ length: 29 }, (_, k) => infectiousnessOf(k - 14, DEFAULT_READING))
  const expected = [...Array(10).fill(none), 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, ...Array(9).fill(none)]
  assert.deepEqual(days, expected)
  for (const unknown of [undefined, -15, 15, 0.5]) assert.equal(infectiousnessOf(unknown, DEFAULT_READING), high)
  const silent = { ...DEFAULT_READING, infectiousnessWhenUnknown: none }
  assert.deepEqual(exposureWindows(matched(near(5), { daysSinceOnset: undefined }), silent, PHONE_SCANNING), [])
})

test('files of the Corona-Warn-App write 1 and 2 for what is days elsewhere', () => {
  const days = [0, 1, 2, 3, undefined].map((day) => infectiousnessOf(day, CWA_FILE_READING))
  assert.deepEqual(days, [none, standard, high, none, none])
})

test('a report type that is unknown is the configured one', () => {
  const { unknown, recursive, revoked, selfReport } = REPORT_TYPE
  const counted = (reportType: ReportType) => countedReportType(reportType, DEFAULT_READING)
  assert.deepEqual(
    [unknown, 1, 2, 3, recursive, revoked].map((type) => counted(type as ReportType)),
    [1, 1, 2, 3, undefined, undefined],
  )
  assert.equal(countedReportType(unknown, { ...DEFAULT_READING, reportTypeWhenUnknown: selfReport }), selfReport)
})

test('a reading from outside is refused by the name of its field', () => {
  const field = (change: object) => fieldOf(() => checkReading({ ...DEFAULT_READING, ...change }))
  assert.equal(field({}), undefined)
  assert.equal(DEFAULT_READING.infectiousness.length, 29)
  assert.equal(field({ infectiousness: DEFAULT_READING.infectiousness.slice(1) }), 'infectiousness')
  assert.equal(field({ infectiousness: Array(29).fill(3) }), 'infectiousness')
  assert.equal(field({ infectiousnessWhenUnknown: 3 }), 'infectiousnessWhenUnknown')
  assert.equal(field({ reportTypeWhenUnknown: REPORT_TYPE.unknown }), 'reportTypeWhenUnknown')
  for (const day of [-15, 15, 0.5])
    assert.equal(
      fieldOf(() => onsetMap({ [day]: high })),
      'daysSinceOnset',
    )
})

test('records of contact without strength: twenty seconds each, a scan of their own, at 60 dB', () => {
  // 90 records are the half hour up to 10:30:00. The last is 1780 s after the first: all are of one window.
  const records = Array.from({ length: 90 }, (_, k) => {
    const at = later(MORNING, 20 * (k + 1))
    return recordSighting(at, 20, sighting(20 * (k + 1)).interval)
  })
  const [window, ...others] = windows(matched(records), RECORD_SCANNING)
  assert.equal(others.length, 0)
  assert.equal(window!.scans.length, 90)
  assert.ok(window!.scans.every((scan) => scan.typicalAttenuation === 60 && scan.minAttenuation === 60))
  // Whole minutes of the clock add up: 10:30 less 10:00 is 30, though a single record counts 0 or 1.
  assert.equal(
    window!.scans.reduce((sum, scan) => sum + scan.secondsSinceLastScan, 0),
    1800,
  )
  assert.deepEqual(records[0], sighting(20, undefined, { previousScanAt: MORNING }))
  const second = [sighting(0), sighting(1)]
  assert.equal(windows(matched(second), RECORD_SCANNING)[0]!.scans.length, 2)
  // Read as a phone's they would be a single scan.
  assert.deepEqual(
    windows(matched(records)).map(({ scans }) => scans.length),
    [1],
  )
})

test('neither the order of sightings nor that of their arrival changes the windows', () => {
  holds(
    fc.property(
      anySightings.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
      ([list, shuffled]) => assert.deepEqual(windows(matched(shuffled)), windows(matched(list))),
    ),
  )
})

test('no window is longer than half an hour, and all scans of a key are in its windows once', () => {
  holds(
    fc.property(anySightings, (sightings) => {
      // Each of an identifier of its own, so that nothing is a replay, and at a distance of more than a scan.
      const apart = sightings.map((one, k) => ({ ...one, at: later(MORNING, 30 * k), interval: k as IntervalNumber }))
      const found = windows({ key: KEY, sightings: apart })
      assert.equal(
        found.reduce((sum, { scans }) => sum + scans.length, 0),
        apart.length,
      )
      for (const { scans } of found) {
        assert.ok(scans.length <= 1800 / 30)
        for (const scan of scans) {
          assert.ok(scan.secondsSinceLastScan >= 0 && scan.secondsSinceLastScan <= 300)
          assert.ok(scan.minAttenuation <= scan.typicalAttenuation + 0.5)
        }
      }
    }),
  )
})
