// `daily-summaries-1`: what the platforms themselves computed from 2020 on (Exposure Notification API, DailySummariesConfig; "meaningful
// exposure minutes").
import { Malformed } from '../outcome.ts'
import type { UtcDay } from '../time.ts'
import { REPORT_TYPE } from './diagnosis-key.ts'
import { type ExposureWindow, groupsOf, type ScanInstance } from './exposure-window.ts'
import { INFECTIOUSNESS } from './infectiousness.ts'

/** Weights are 0 to 2.5. */
export interface SummaryWeights {
  /** Ascending dB, 0 to 255, each with its bucket: immediate up to the first, near up to the second, medium up to the third. */
  readonly attenuationThresholds: readonly [number, number, number]
  /** Of immediate, near, medium and other. */
  readonly attenuationWeights: readonly [number, number, number, number]
  readonly confirmedTest: number
  readonly confirmedClinicalDiagnosis: number
  readonly selfReport: number
  readonly standardInfectiousness: number
  readonly highInfectiousness: number
  /** A window of a lower score counts for nothing. */
  readonly minimumWindowScore: number
  /** Older days are left out; 0 leaves out none. */
  readonly daysSinceExposureThreshold: number
}

/** Exposures of one day, in weighted seconds. */
export interface SummaryItem {
  readonly maximumScore: number
  readonly scoreSum: number
  /** Weighted by attenuation alone. */
  readonly weightedDurationSum: number
}

export interface DailySummary {
  readonly day: UtcDay
  readonly total: SummaryItem
  readonly confirmedTest: SummaryItem
  readonly confirmedClinicalDiagnosis: SummaryItem
  readonly selfReport: SummaryItem
}

/** Summaries by day, ascending. A day whose windows all score too little has one of zeros. */
export function dailySummaries(
  windows: readonly ExposureWindow[],
  weights: SummaryWeights,
  today: UtcDay,
): DailySummary[] {
  const { daysSinceExposureThreshold: oldest } = weights
  const recent = windows.filter(({ day }) => oldest === 0 || today - day <= oldest)
  return [...groupsOf(recent, ({ day }) => day)]
    .sort(([a], [b]) => a - b)
    .map(([day, ofDay]) => {
      const of = (reportType: number) =>
        summaryItem(
          ofDay.filter((window) => window.reportType === reportType),
          weights,
        )
      return {
        day,
        total: summaryItem(ofDay, weights),
        confirmedTest: of(REPORT_TYPE.confirmedTest),
        confirmedClinicalDiagnosis: of(REPORT_TYPE.confirmedClinicalDiagnosis),
        selfReport: of(REPORT_TYPE.selfReport),
      }
    })
}

function summaryItem(windows: readonly ExposureWindow[], weights: SummaryWeights): SummaryItem {
  const item = { maximumScore: 0, scoreSum: 0, weightedDurationSum: 0 }
  for (const window of windows) {
    const duration = weightedDuration(window.scans, weights)
    const score = duration * reportTypeWeight(window, weights) * infectiousnessWeight(window, weights)
    if (score < weights.minimumWindowScore) continue
    item.maximumScore = Math.max(item.maximumScore, score)
    item.scoreSum += score
    item.weightedDurationSum += duration
  }
  return item
}

/** Seconds, each weighted by the typical attenuation of its scan. */
const weightedDuration = (scans: readonly ScanInstance[], weights: SummaryWeights): number =>
  scans.reduce((sum, scan) => sum + scan.secondsSinceLastScan * attenuationWeight(scan.typicalAttenuation, weights), 0)

function attenuationWeight(attenuation: number, weights: SummaryWeights): number {
  const bucket = weights.attenuationThresholds.findIndex((threshold) => attenuation <= threshold)
  // Beyond all thresholds is -1, and so the last weight, which is that of "other".
  return weights.attenuationWeights.at(bucket)!
}

function reportTypeWeight(window: ExposureWindow, weights: SummaryWeights): number {
  switch (window.reportType) {
    case REPORT_TYPE.confirmedTest:
      return weights.confirmedTest
    case REPORT_TYPE.confirmedClinicalDiagnosis:
      return weights.confirmedClinicalDiagnosis
    case REPORT_TYPE.selfReport:
      return weights.selfReport
  }
}

const infectiousnessWeight = (window: ExposureWindow, weights: SummaryWeights): number =>
  window.infectiousness === INFECTIOUSNESS.high ? weights.highInfectiousness : weights.standardInfectiousness

const MOST_WEIGHT = 2.5
const MOST_ATTENUATION = 255

/** Throws `Malformed` naming the field, for weights that the platforms would refuse. */
export function checkSummaryWeights(weights: SummaryWeights): void {
  const { attenuationThresholds: thresholds, attenuationWeights } = weights
  const ascending = thresholds.every((db, k) => db >= (k === 0 ? 0 : thresholds[k - 1]! + 1) && db <= MOST_ATTENUATION)
  if (thresholds.length !== 3 || !thresholds.every(Number.isInteger) || !ascending) {
    throw new Malformed('attenuationThresholds', 'three ascending whole numbers of 0 to 255')
  }
  if (attenuationWeights.length !== 4) throw new Malformed('attenuationWeights', 'four weights')
  const { confirmedTest, confirmedClinicalDiagnosis, selfReport, standardInfectiousness, highInfectiousness } = weights
  const named: readonly (readonly [string, number])[] = [
    ...attenuationWeights.map((weight) => ['attenuationWeights', weight] as const),
    ...Object.entries({ confirmedTest, confirmedClinicalDiagnosis, selfReport }),
    ...Object.entries({ standardInfectiousness, highInfectiousness }),
  ]
  for (const [name, weight] of named) {
    if (!(weight >= 0 && weight <= MOST_WEIGHT)) throw new Malformed(name, 'a weight of 0 to 2.5')
  }
  if (!(weights.minimumWindowScore >= 0)) throw new Malformed('minimumWindowScore', '0 or more')
  const { daysSinceExposureThreshold: days } = weights
  if (!Number.isInteger(days) || days < 0) throw new Malformed('daysSinceExposureThreshold', 'whole days, 0 or more')
}
