// What a diagnosis key says of its owner, made comparable: how infectious on that day, and by whose word (Exposure Notification API,
// DiagnosisKeysDataMapping).
import { Malformed } from '../outcome.ts'
import { MOST_DAYS_SINCE_ONSET, REPORT_TYPE, type ReportType } from './diagnosis-key.ts'

export const INFECTIOUSNESS = { none: 0, standard: 1, high: 2 } as const
export type Infectiousness = (typeof INFECTIOUSNESS)[keyof typeof INFECTIOUSNESS]

/** The report types that warn. */
export type CountedReportType =
  | typeof REPORT_TYPE.confirmedTest
  | typeof REPORT_TYPE.confirmedClinicalDiagnosis
  | typeof REPORT_TYPE.selfReport

/** How the words of a key are read, and what is assumed where it has none. */
export interface KeyReading {
  /** 29 values: of -14 to +14 days since the onset of symptoms. */
  readonly infectiousness: readonly Infectiousness[]
  readonly infectiousnessWhenUnknown: Infectiousness
  readonly reportTypeWhenUnknown: CountedReportType
}

const ONSET_DAYS = 2 * MOST_DAYS_SINCE_ONSET + 1

/** The 29 values from those that are not `none`. Throws `Malformed` for a day beyond 14. */
export function onsetMap(days: Readonly<Record<number, Infectiousness>>): Infectiousness[] {
  const map = new Array<Infectiousness>(ONSET_DAYS).fill(INFECTIOUSNESS.none)
  for (const [day, infectiousness] of Object.entries(days)) {
    if (!isOnset(Number(day))) throw new Malformed('daysSinceOnset', '-14 to 14')
    map[Number(day) + MOST_DAYS_SINCE_ONSET] = infectiousness
  }
  return map
}

const isOnset = (day: number): boolean => Number.isInteger(day) && Math.abs(day) <= MOST_DAYS_SINCE_ONSET

const { standard, high } = INFECTIOUSNESS

/**
 * Onset: version 2 of the guidance of the Risk Score Symposium (Linux Foundation Public Health, 2021). A key without an onset is of
 * somebody without symptoms, or of whom nobody asked: taken as highly infectious, so that an incomplete record does not silence a
 * warning. A key without a report type counts as a test, since a test is what a code is given for.
 */
export const DEFAULT_READING: KeyReading = {
  infectiousness: onsetMap({
    ...{ [-4]: standard, [-3]: standard, [-2]: high, [-1]: high, 0: high },
    ...{ 1: high, 2: high, 3: high, 4: standard, 5: standard },
  }),
  infectiousnessWhenUnknown: high,
  reportTypeWhenUnknown: REPORT_TYPE.confirmedTest,
}

/**
 * For files of the Corona-Warn-App, which used the field for something else: its server wrote 1 or 2 for a lower or higher
 * transmission risk instead of days (cwa-server, transmission-risk-encoding and diagnosis-keys-data-mapping).
 */
export const CWA_FILE_READING: KeyReading = {
  infectiousness: onsetMap({ 1: standard, 2: high }),
  infectiousnessWhenUnknown: INFECTIOUSNESS.none,
  reportTypeWhenUnknown: REPORT_TYPE.confirmedTest,
}

/** Beyond 14 days, and of a key that does not say, the value for unknown. */
export const infectiousnessOf = (daysSinceOnset: number | undefined, reading: KeyReading): Infectiousness =>
  daysSinceOnset === undefined || !isOnset(daysSinceOnset)
    ? reading.infectiousnessWhenUnknown
    : reading.infectiousness[daysSinceOnset + MOST_DAYS_SINCE_ONSET]!

/** The report type that a key counts as; undefined for one that was taken back, or of a type that is reserved. */
export function countedReportType(reportType: ReportType, reading: KeyReading): CountedReportType | undefined {
  if (reportType === REPORT_TYPE.unknown) return reading.reportTypeWhenUnknown
  return reportType === REPORT_TYPE.recursive || reportType === REPORT_TYPE.revoked ? undefined : reportType
}

/** Throws `Malformed` naming the field: 29 known values, a counted report type. */
export function checkReading(reading: KeyReading): void {
  const known = (value: Infectiousness) => Object.values(INFECTIOUSNESS).includes(value)
  if (reading.infectiousness.length !== ONSET_DAYS || !reading.infectiousness.every(known)) {
    throw new Malformed('infectiousness', '29 of 0, 1, 2')
  }
  if (!known(reading.infectiousnessWhenUnknown)) throw new Malformed('infectiousnessWhenUnknown', '0, 1 or 2')
  const counted = [REPORT_TYPE.confirmedTest, REPORT_TYPE.confirmedClinicalDiagnosis, REPORT_TYPE.selfReport]
  if (!counted.includes(reading.reportTypeWhenUnknown)) throw new Malformed('reportTypeWhenUnknown', '1, 2 or 3')
}
