import { GAEN_SIZE, ROLLING_PERIOD } from './constants.ts'
import type { IntervalNumber } from './interval.ts'

/** How sure the authority is, in the numbers of the export file. */
export const REPORT_TYPE = {
  unknown: 0,
  confirmedTest: 1,
  confirmedClinicalDiagnosis: 2,
  selfReport: 3,
  /** Reserved. */
  recursive: 4,
  /** Takes back what was published. Phones forget the key. */
  revoked: 5,
} as const
export type ReportType = (typeof REPORT_TYPE)[keyof typeof REPORT_TYPE]

/** A temporary exposure key of somebody who was diagnosed, as it is published. */
export interface DiagnosisKey {
  readonly keyData: Uint8Array
  readonly rollingStart: IntervalNumber
  /** Intervals, 1..144. */
  readonly rollingPeriod: number
  /** 0..8; superseded by `reportType`, still in the file. */
  readonly transmissionRisk: number
  readonly reportType: ReportType
  /** -14..14; undefined where nobody said. */
  readonly daysSinceOnset: number | undefined
}

export const MOST_DAYS_SINCE_ONSET = 14
/** In a column of days since onset: nobody said. */
export const NO_ONSET = -128

/** Diagnosis keys in columns: a file holds hundreds of thousands. */
export interface DiagnosisKeys {
  readonly count: number
  /** 16 bytes a key. */
  readonly keyData: Uint8Array
  /** The first interval of each. */
  readonly starts: Uint32Array
  readonly periods: Uint8Array
  readonly transmissionRisks: Uint8Array
  readonly reportTypes: Uint8Array
  /** Or `NO_ONSET`. */
  readonly daysSinceOnset: Int8Array
}

/** Room for `count` keys of full days. */
export const emptyKeys = (count: number): DiagnosisKeys => ({
  count,
  keyData: new Uint8Array(GAEN_SIZE.temporaryExposureKey * count),
  starts: new Uint32Array(count),
  periods: new Uint8Array(count).fill(ROLLING_PERIOD),
  transmissionRisks: new Uint8Array(count),
  reportTypes: new Uint8Array(count),
  daysSinceOnset: new Int8Array(count).fill(NO_ONSET),
})

export function columnsOf(list: readonly DiagnosisKey[]): DiagnosisKeys {
  const keys = emptyKeys(list.length)
  for (const [k, key] of list.entries()) {
    keys.keyData.set(key.keyData, GAEN_SIZE.temporaryExposureKey * k)
    keys.starts[k] = key.rollingStart
    keys.periods[k] = key.rollingPeriod
    keys.transmissionRisks[k] = key.transmissionRisk
    keys.reportTypes[k] = key.reportType
    keys.daysSinceOnset[k] = key.daysSinceOnset ?? NO_ONSET
  }
  return keys
}

/** Key k of the columns; its bytes are a view. */
export const keyAt = (keys: DiagnosisKeys, k: number): DiagnosisKey => ({
  keyData: keys.keyData.subarray(GAEN_SIZE.temporaryExposureKey * k, GAEN_SIZE.temporaryExposureKey * (k + 1)),
  rollingStart: keys.starts[k] as IntervalNumber,
  rollingPeriod: keys.periods[k]!,
  transmissionRisk: keys.transmissionRisks[k]!,
  reportType: keys.reportTypes[k] as ReportType,
  daysSinceOnset: keys.daysSinceOnset[k] === NO_ONSET ? undefined : keys.daysSinceOnset[k]!,
})
