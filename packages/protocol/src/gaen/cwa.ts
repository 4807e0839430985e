// `cwa-1`: how the Corona-Warn-App weighed exposure windows (its technical specification, exposure-windows; the numbers are those that
// its server delivered as risk-calculation-parameters and trl-value-mapping).
import { Malformed } from '../outcome.ts'
import type { UtcDay } from '../time.ts'
import { REPORT_TYPE } from './diagnosis-key.ts'
import { type ExposureWindow, groupsOf, type ScanInstance } from './exposure-window.ts'
import { INFECTIOUSNESS } from './infectiousness.ts'

/** From `from` up to below `to`. */
export interface CwaRange {
  readonly from: number
  readonly to: number
}

export interface CwaParameters {
  /** Windows with so many minutes (whole ones) at such attenuations are dropped. */
  readonly attenuationFilters: readonly { readonly attenuation: CwaRange; readonly dropMinutes: CwaRange }[]
  /** By minimum attenuation in dB; what is in no range counts for nothing. */
  readonly attenuationWeights: readonly { readonly attenuation: CwaRange; readonly weight: number }[]
  /** Of transmission risk level 1 to 8. */
  readonly transmissionRiskValues: readonly number[]
  /** Normalised minutes from which a window counts as a low and as a high risk. Below low it is dropped. */
  readonly window: CwaThresholds
  /** The same of a day, of all its windows that count. */
  readonly day: CwaThresholds
  /** Days. Older windows are left out. */
  readonly maximumAge: number
}

export interface CwaThresholds {
  readonly low: number
  readonly high: number
}

const ATTENUATION_WEIGHTS = [
  { attenuation: { from: 0, to: 63 }, weight: 0.8 },
  { attenuation: { from: 63, to: 73 }, weight: 1 },
  { attenuation: { from: 73, to: 79 }, weight: 0.1 },
]

/** From version 1.15 of the app on (2021); the greatest age as of 2022. */
export const CWA_1_15: CwaParameters = {
  attenuationFilters: [],
  attenuationWeights: ATTENUATION_WEIGHTS,
  transmissionRiskValues: [0, 0, 0.6, 0.8, 1, 1.2, 1.4, 1.6],
  window: { low: 0, high: 9 },
  day: { low: 5, high: 9 },
  maximumAge: 10,
}

/**
 * Before 1.15. Levels 1 and 2 were then dropped by a filter of their own, and a value was a fifth of its level: the same values. No
 * greatest age was delivered, and the app's own was 14 days.
 */
export const CWA_BEFORE_1_15: CwaParameters = {
  ...CWA_1_15,
  attenuationFilters: [{ attenuation: { from: 0, to: 79 }, dropMinutes: { from: 0, to: 5 } }],
  window: { low: 0, high: 13 },
  day: { low: 0, high: 13 },
  maximumAge: 14,
}

export type CwaRiskLevel = 'low' | 'high'

export interface CwaDay {
  readonly day: UtcDay
  /** Normalised minutes of its windows. */
  readonly normalizedTime: number
  /** Undefined below low. */
  readonly riskLevel: CwaRiskLevel | undefined
  /** At least so many different encounters, by the level of their windows. */
  readonly encounters: Readonly<Record<CwaRiskLevel, number>>
}

/** What was added for the word of the health authority, and for infectiousness. */
const REPORT_TYPE_OFFSET = {
  [REPORT_TYPE.selfReport]: 2,
  [REPORT_TYPE.confirmedClinicalDiagnosis]: 4,
  [REPORT_TYPE.confirmedTest]: 6,
} as const
const INFECTIOUSNESS_OFFSET = { [INFECTIOUSNESS.standard]: 1, [INFECTIOUSNESS.high]: 2 } as const

/** 3 to 8. */
export const transmissionRiskLevel = (window: ExposureWindow): number =>
  REPORT_TYPE_OFFSET[window.reportType] + INFECTIOUSNESS_OFFSET[window.infectiousness]

/** Minutes near, weighted by attenuation and by how contagious the other was. */
export function normalizedTime(window: ExposureWindow, parameters: CwaParameters): number {
  const weight = ({ minAttenuation }: ScanInstance) =>
    parameters.attenuationWeights.find(({ attenuation }) => isIn(attenuation, minAttenuation))?.weight ?? 0
  const seconds = window.scans.reduce((sum, scan) => sum + scan.secondsSinceLastScan * weight(scan), 0)
  return parameters.transmissionRiskValues[transmissionRiskLevel(window) - 1]! * (seconds / 60)
}

/** The risk of each day with windows that count, ascending. */
export function cwaDays(windows: readonly ExposureWindow[], parameters: CwaParameters, today: UtcDay): CwaDay[] {
  const counting = windows
    .filter((window) => today - window.day <= parameters.maximumAge && !isFiltered(window, parameters))
    .map((window) => ({ window, time: normalizedTime(window, parameters) }))
    .map(({ window, time }) => ({ window, time, riskLevel: levelOf(time, parameters.window) }))
    .filter(({ riskLevel }) => riskLevel !== undefined)
  return [...groupsOf(counting, ({ window }) => window.day)]
    .sort(([a], [b]) => a - b)
    .map(([day, ofDay]) => {
      const time = ofDay.reduce((sum, window) => sum + window.time, 0)
      // Windows have no identity: two of the same level and confidence may be of one person.
      const kinds = (level: CwaRiskLevel) =>
        new Set(
          ofDay
            .filter(({ riskLevel }) => riskLevel === level)
            .map(({ window }) => `${transmissionRiskLevel(window)} ${window.calibrationConfidence}`),
        ).size
      const encounters = { low: kinds('low'), high: kinds('high') }
      return { day, normalizedTime: time, riskLevel: levelOf(time, parameters.day), encounters }
    })
}

const isIn = (range: CwaRange, value: number): boolean => value >= range.from && value < range.to

const isFiltered = (window: ExposureWindow, parameters: CwaParameters): boolean =>
  parameters.attenuationFilters.some(({ attenuation, dropMinutes }) => {
    const scans = window.scans.filter(({ minAttenuation }) => isIn(attenuation, minAttenuation))
    const seconds = scans.reduce((sum, { secondsSinceLastScan }) => sum + secondsSinceLastScan, 0)
    return isIn(dropMinutes, Math.floor(seconds / 60))
  })

function levelOf(time: number, { low, high }: CwaThresholds): CwaRiskLevel | undefined {
  if (time >= high) return 'high'
  return time >= low ? 'low' : undefined
}

/** Throws `Malformed` naming the field: ranges and thresholds ascend, nothing is negative. */
export function checkCwaParameters(parameters: CwaParameters): void {
  const ascends = ({ from, to }: CwaRange) => from >= 0 && from < to
  for (const { attenuation, dropMinutes } of parameters.attenuationFilters) {
    if (!ascends(attenuation) || !ascends(dropMinutes)) throw new Malformed('attenuationFilters', 'ascending ranges')
  }
  for (const { attenuation, weight } of parameters.attenuationWeights) {
    if (!ascends(attenuation) || !(weight >= 0)) throw new Malformed('attenuationWeights', 'ascending ranges, weights')
  }
  const values = parameters.transmissionRiskValues
  if (values.length !== 8 || !values.every((value) => value >= 0)) {
    throw new Malformed('transmissionRiskValues', '8 values of 0 or more')
  }
  for (const name of ['window', 'day'] as const) {
    const { low, high } = parameters[name]
    if (!(low >= 0 && low <= high)) throw new Malformed(name, 'ascending minutes')
  }
  if (!Number.isInteger(parameters.maximumAge) || parameters.maximumAge < 0) {
    throw new Malformed('maximumAge', 'whole days, 0 or more')
  }
}
