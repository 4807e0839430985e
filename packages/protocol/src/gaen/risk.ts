import { Malformed } from '../outcome.ts'
import type { UtcDay } from '../time.ts'
import { CWA_1_15, type CwaParameters, checkCwaParameters, cwaDays } from './cwa.ts'
import { checkSummaryWeights, dailySummaries, type SummaryWeights } from './daily-summary.ts'
import {
  type ExposureWindow,
  exposureWindows,
  groupsOf,
  type MatchedKey,
  PHONE_SCANNING,
  type Scanning,
} from './exposure-window.ts'
import { checkReading, DEFAULT_READING, type KeyReading } from './infectiousness.ts'
import { checkScoringV1, exposuresV1, type ScoringV1 } from './scoring-v1.ts'

/** The newest day that puts the user at risk, or nothing. `score` is that of the worst day that counts, in minutes of the model. */
export type ExposureRisk =
  | { readonly atRisk: false; readonly score: number }
  | { readonly atRisk: true; readonly score: number; readonly newestDay: UtcDay }

/** What every model needs to know. */
interface Common {
  readonly reading: KeyReading
  readonly scanning: Scanning
}

export interface DailySummariesConfiguration extends Common {
  readonly weights: SummaryWeights
  /** Weighted minutes of a day, its sum of scores, that put at risk. */
  readonly minutes: number
}

export interface V1Configuration extends Common {
  readonly scoring: ScoringV1
  /** Of the durations below, between and above the thresholds. */
  readonly durationWeights: readonly [number, number, number]
  /** Weighted minutes of a day that put at risk, where some exposure of the day also has a risk score. */
  readonly minutes: number
  /** Days. Older ones are left out. */
  readonly maximumAge: number
}

export interface CwaConfiguration extends Common {
  readonly parameters: CwaParameters
}

const COMMON: Common = { reading: DEFAULT_READING, scanning: PHONE_SCANNING }

/** As old as in ROBERT's risk function, so that the two can be compared; the Corona-Warn-App's too. */
const MAXIMUM_AGE = 10
/** The definition of a close contact of the time: fifteen minutes in a day. */
const CLOSE_CONTACT_MINUTES = 15

/**
 * Thresholds and weights: "narrow net", version 2, of the guidance of the Risk Score Symposium (Linux Foundation Public Health,
 * 2021). All report types count alike: whether somebody may report without a test is decided where codes are issued.
 */
export const DEFAULT_DAILY_SUMMARIES: DailySummariesConfiguration = {
  ...COMMON,
  weights: {
    attenuationThresholds: [55, 67, 75],
    attenuationWeights: [1.75, 1, 0.33, 0],
    confirmedTest: 1,
    confirmedClinicalDiagnosis: 1,
    selfReport: 1,
    standardInfectiousness: 0.3,
    highInfectiousness: 1,
    minimumWindowScore: 0,
    daysSinceExposureThreshold: MAXIMUM_AGE,
  },
  minutes: CLOSE_CONTACT_MINUTES,
}

/** What NZ COVID Tracer used on phones without windows: version 1 of that net, in three buckets; every risk score counts. */
export const DEFAULT_V1: V1Configuration = {
  ...COMMON,
  scoring: {
    attenuationScores: [2, 3, 4, 5, 6, 7, 8, 8],
    daysSinceExposureScores: [1, 1, 1, 1, 1, 1, 1, 1],
    durationScores: [1, 1, 1, 1, 1, 1, 1, 1],
    transmissionRiskScores: [1, 1, 1, 1, 1, 1, 1, 1],
    minimumRiskScore: 1,
    durationThresholds: [56, 70],
  },
  durationWeights: [1.5, 0.7, 0],
  minutes: CLOSE_CONTACT_MINUTES,
  maximumAge: MAXIMUM_AGE,
}

export const DEFAULT_CWA: CwaConfiguration = { ...COMMON, parameters: CWA_1_15 }

/** What a day came to, in minutes, and whether that is enough. */
interface DayRisk {
  readonly day: UtcDay
  readonly score: number
  readonly enough: boolean
}

interface ExposureModel<Configuration> {
  readonly days: (matched: readonly MatchedKey[], configuration: Configuration, today: UtcDay) => DayRisk[]
  readonly check: (configuration: Configuration) => void
  readonly byDefault: Configuration
}

export interface ExposureConfigurations {
  readonly 'daily-summaries-1': DailySummariesConfiguration
  readonly 'v1-1': V1Configuration
  readonly 'cwa-1': CwaConfiguration
}
export type ExposureModelName = keyof ExposureConfigurations

/** Every version of every model that was ever in force, by its public name. One that landed never changes. */
const EXPOSURE_MODELS: { readonly [Name in ExposureModelName]: ExposureModel<ExposureConfigurations[Name]> } = {
  'daily-summaries-1': { days: summaryDays, check: checkDailySummaries, byDefault: DEFAULT_DAILY_SUMMARIES },
  'v1-1': { days: v1Days, check: checkV1, byDefault: DEFAULT_V1 },
  'cwa-1': { days: highDays, check: ({ parameters }) => checkCwaParameters(parameters), byDefault: DEFAULT_CWA },
}
export const EXPOSURE_MODEL_NAMES = Object.keys(EXPOSURE_MODELS) as readonly ExposureModelName[]
export const DEFAULT_EXPOSURE_MODEL: ExposureModelName = 'daily-summaries-1'

export const defaultConfiguration = <Name extends ExposureModelName>(name: Name): ExposureConfigurations[Name] =>
  EXPOSURE_MODELS[name].byDefault

/** Throws `Malformed` naming the field, for a configuration from outside that has the shape but not the values. */
export function checkConfiguration<Name extends ExposureModelName>(
  name: Name,
  configuration: ExposureConfigurations[Name],
): void {
  checkReading(configuration.reading)
  checkScanning(configuration.scanning)
  EXPOSURE_MODELS[name].check(configuration)
}

/**
 * The risk of a phone's user from the keys that it met, so that another model, or another configuration, scores the same sightings
 * anew. `today` is the UTC day of the calculation.
 */
export function exposureRiskOf<Name extends ExposureModelName>(
  name: Name,
  matched: readonly MatchedKey[],
  configuration: ExposureConfigurations[Name],
  today: UtcDay,
): ExposureRisk {
  const days = EXPOSURE_MODELS[name].days(matched, configuration, today)
  const score = Math.max(0, ...days.map((day) => day.score))
  const enough = days.filter((day) => day.enough).map(({ day }) => day)
  return enough.length === 0
    ? { atRisk: false, score }
    : { atRisk: true, score, newestDay: Math.max(...enough) as UtcDay }
}

const windowsOf = (matched: readonly MatchedKey[], { reading, scanning }: Common): ExposureWindow[] =>
  matched.flatMap((key) => exposureWindows(key, reading, scanning))

function summaryDays(
  matched: readonly MatchedKey[],
  configuration: DailySummariesConfiguration,
  today: UtcDay,
): DayRisk[] {
  return dailySummaries(windowsOf(matched, configuration), configuration.weights, today).map(({ day, total }) => {
    const score = total.scoreSum / 60
    return { day, score, enough: score >= configuration.minutes }
  })
}

function v1Days(matched: readonly MatchedKey[], configuration: V1Configuration, today: UtcDay): DayRisk[] {
  const { scoring, reading, scanning, durationWeights, maximumAge } = configuration
  const exposures = matched
    .flatMap((key) => exposuresV1(key, scoring, reading, scanning, today))
    .filter(({ day }) => today - day <= maximumAge)
  return [...groupsOf(exposures, ({ day }) => day)].map(([day, ofDay]) => {
    // Durations are told of all exposures, also of those whose score is below the minimum (ExposureConfiguration).
    const seconds = ofDay.flatMap(({ durations }) => durations.map((duration, k) => duration * durationWeights[k]!))
    const score = seconds.reduce((sum, each) => sum + each, 0) / 60
    const scored = ofDay.some(({ riskScore }) => riskScore > 0)
    return { day, score, enough: scored && score >= configuration.minutes }
  })
}

function highDays(matched: readonly MatchedKey[], configuration: CwaConfiguration, today: UtcDay): DayRisk[] {
  const days = cwaDays(windowsOf(matched, configuration), configuration.parameters, today)
  return days.map(({ day, normalizedTime, riskLevel }) => ({
    day,
    score: normalizedTime,
    enough: riskLevel === 'high',
  }))
}

function checkScanning(scanning: Scanning): void {
  for (const [name, value] of Object.entries(scanning)) {
    if (!(value >= 0)) throw new Malformed(name, '0 or more')
  }
}

function checkDailySummaries({ weights, minutes }: DailySummariesConfiguration): void {
  checkSummaryWeights(weights)
  checkMinutes(minutes)
}

function checkV1({ scoring, durationWeights, minutes, maximumAge }: V1Configuration): void {
  checkScoringV1(scoring)
  if (durationWeights.length !== 3 || !durationWeights.every((weight) => weight >= 0)) {
    throw new Malformed('durationWeights', 'three weights of 0 or more')
  }
  checkMinutes(minutes)
  if (!Number.isInteger(maximumAge) || maximumAge < 0) throw new Malformed('maximumAge', 'whole days, 0 or more')
}

function checkMinutes(minutes: number): void {
  // 0 would put at risk whoever has any day at all.
  if (!(minutes > 0)) throw new Malformed('minutes', 'more than 0')
}
