// One morning, one key: what the tests of the risk models are made of.
import fc from 'fast-check'
import {
  type ExposureWindow,
  INFECTIOUSNESS,
  type IntervalNumber,
  intervalAt,
  keyStartAt,
  type MatchedKey,
  REPORT_TYPE,
  type ScanInstance,
  type Sighting,
} from '../src/gaen/index.ts'
import { dayOf, later, type UtcDay } from '../src/time.ts'
import { unix } from './fixture.ts'

export const MORNING = unix('2026-03-05T10:00:00Z')
export const TODAY = dayOf(MORNING)
export const daysAgo = (days: number): UtcDay => (TODAY - days) as UtcDay

/** A sighting so many seconds into the morning. The identifier is that of the moment, the scan before five minutes ago. */
export const sighting = (seconds: number, attenuation?: number, more: Partial<Sighting> = {}): Sighting => ({
  at: later(MORNING, seconds),
  interval: intervalAt(later(MORNING, seconds)),
  attenuation,
  previousScanAt: later(MORNING, seconds - 300),
  calibrationConfidence: 0,
  ...more,
})

export const KEY: MatchedKey['key'] = {
  rollingStart: keyStartAt(MORNING),
  transmissionRisk: 0,
  reportType: REPORT_TYPE.confirmedTest,
  daysSinceOnset: 0,
}

export const matched = (sightings: readonly Sighting[], key: Partial<MatchedKey['key']> = {}): MatchedKey => ({
  key: { ...KEY, ...key },
  sightings,
})

/** Sightings every five minutes for so many minutes, all of one attenuation. */
export const near = (minutes: number, attenuation = 60): Sighting[] =>
  Array.from({ length: minutes / 5 }, (_, k) => sighting(300 * k, attenuation))

export const scan = (
  seconds: number,
  typicalAttenuation: number,
  minAttenuation = typicalAttenuation,
): ScanInstance => ({
  typicalAttenuation,
  minAttenuation,
  secondsSinceLastScan: seconds,
})

export const windowOf = (scans: readonly ScanInstance[], more: Partial<ExposureWindow> = {}): ExposureWindow => ({
  day: TODAY,
  reportType: REPORT_TYPE.confirmedTest,
  infectiousness: INFECTIOUSNESS.high,
  calibrationConfidence: 0,
  scans,
  ...more,
})

export const anyScan: fc.Arbitrary<ScanInstance> = fc
  .tuple(fc.nat(5), fc.nat(100), fc.nat(20))
  .map(([minutes, least, above]) => scan(60 * minutes, least + above, least))

export const anyWindow: fc.Arbitrary<ExposureWindow> = fc
  .record({
    scans: fc.array(anyScan, { minLength: 1, maxLength: 8 }),
    age: fc.nat(14),
    reportType: fc.constantFrom(1, 2, 3),
    infectiousness: fc.constantFrom(1, 2),
    calibrationConfidence: fc.nat(3),
  })
  .map(({ scans, age, ...more }) => windowOf(scans, { ...more, day: daysAgo(age) } as Partial<ExposureWindow>))

/** Sightings of one key over two hours of the morning, in any order, some at the same time. */
export const anySightings: fc.Arbitrary<Sighting[]> = fc.array(
  fc
    .record({
      seconds: fc.nat(360).map((k) => 20 * k),
      attenuation: fc.option(fc.nat(100), { nil: undefined }),
      before: fc.option(fc.integer({ min: -60, max: 900 }), { nil: undefined }),
      late: fc.nat(2),
      calibrationConfidence: fc.nat(3),
    })
    .map(({ seconds, attenuation, before, late, calibrationConfidence }) => {
      const { at, interval } = sighting(seconds)
      const previousScanAt = before === undefined ? undefined : later(at, -before)
      return { at, interval: (interval - late) as IntervalNumber, attenuation, previousScanAt, calibrationConfidence }
    }),
  { maxLength: 40 },
)

/** The name of the field that was refused. */
export function fieldOf(run: () => void): string | undefined {
  try {
    run()
  } catch (fault) {
    return (fault as { field?: string }).field
  }
  return undefined
}
