// `v1-1`: the first interface of the platforms, of May 2020 (Exposure Notification API v1, ExposureConfiguration; the arithmetic is that
// of Google's published internals, KeyExposureEvaluator and RiskScoreCalculator). It scores keys, not windows.
import { Malformed } from '../outcome.ts'
import { dayOf, type UtcDay } from '../time.ts'
import {
  attenuationIn,
  groupsOf,
  type MatchedKey,
  runsOf,
  type Scanning,
  type Sighting,
  validSightings,
} from './exposure-window.ts'
import { countedReportType, type KeyReading } from './infectiousness.ts'
import { intervalStart } from './interval.ts'

/** Each of the scores is 0 to 8, of eight buckets. The weights that the interface also had were reserved and did nothing. */
export interface ScoringV1 {
  /** Above 73 dB, 63, 51, 33, 27, 15, 10, and what is left. */
  readonly attenuationScores: readonly number[]
  /** From 14 days up, 12, 10, 8, 6, 4, 2, and what is left. */
  readonly daysSinceExposureScores: readonly number[]
  /** 0 minutes, up to 5, 10, 15, 20, 25, 30, and what is left. */
  readonly durationScores: readonly number[]
  /** Of transmission risk 1 to 8. */
  readonly transmissionRiskScores: readonly number[]
  /** Scores below count as 0; 1 to 4096. */
  readonly minimumRiskScore: number
  /** Two attenuations in dB, 0 to 255: durations are told below the first, from there on, and from the second on. */
  readonly durationThresholds: readonly [number, number]
}

/** The defaults of the interface. */
export const API_SCORING_V1: ScoringV1 = {
  attenuationScores: [4, 4, 4, 4, 4, 4, 4, 4],
  daysSinceExposureScores: [4, 4, 4, 4, 4, 4, 4, 4],
  durationScores: [4, 4, 4, 4, 4, 4, 4, 4],
  transmissionRiskScores: [4, 4, 4, 4, 4, 4, 4, 4],
  minimumRiskScore: 4,
  durationThresholds: [50, 74],
}

/** Contact with one key without a long gap. */
export interface ExposureV1 {
  /** The day of the key. */
  readonly day: UtcDay
  /** Multiples of 300 s. */
  readonly duration: number
  /** Mean over time, in whole dB. */
  readonly attenuation: number
  /** Seconds below, between and above the two thresholds. */
  readonly durations: readonly [number, number, number]
  /** 0, or `minimumRiskScore` to 4096. */
  readonly riskScore: number
}

const ATTENUATION_BOUNDS = [73, 63, 51, 33, 27, 15, 10]
const DAY_BOUNDS = [14, 12, 10, 8, 6, 4, 2]
const MINUTE_BOUNDS = [0, 5, 10, 15, 20, 25, 30]

/** A longer gap ends an exposure. Phones at rest scan every nine minutes. */
const LONGEST_GAP_SECONDS = 600
/** Between two scans; an exposure reaches half of it beyond its first and last one. */
const SCAN_INTERVAL_SECONDS = 300
const MARGIN_SECONDS = SCAN_INTERVAL_SECONDS / 2

/** The exposures to one matched key, by time. None for a key that does not count. `today` is the day of the calculation. */
export function exposuresV1(
  matched: MatchedKey,
  scoring: ScoringV1,
  reading: KeyReading,
  scanning: Scanning,
  today: UtcDay,
): ExposureV1[] {
  const { key } = matched
  if (countedReportType(key.reportType, reading) === undefined) return []
  const day = dayOf(intervalStart(key.rollingStart))
  return runsOf(strongest(validSightings(matched.sightings), scanning), LONGEST_GAP_SECONDS).map((run) => {
    const stretches = stretchesOf(run, scanning)
    const duration = roundedDuration(run.at(-1)!.at - run[0]!.at)
    const attenuation = meanAttenuation(stretches)
    const risk = riskScore(
      { attenuation, days: today - day, duration, transmissionRisk: key.transmissionRisk },
      scoring,
    )
    return {
      day,
      duration,
      attenuation,
      durations: durationsAt(stretches, scoring.durationThresholds),
      riskScore: risk,
    }
  })
}

/** Of each scan of each identifier the strongest sighting, by time. */
function strongest(sightings: readonly Sighting[], scanning: Scanning): Sighting[] {
  const attenuation = (sighting: Sighting) => attenuationIn(sighting, scanning)
  return [...groupsOf(sightings, ({ interval }) => interval).values()]
    .flatMap((ofIdentifier) => runsOf(ofIdentifier, scanning.sameScan))
    .map((scan) => scan.reduce((best, next) => (attenuation(next) < attenuation(best) ? next : best)))
    .sort((a, b) => a.at - b.at)
}

/** A time of one attenuation. */
interface Stretch {
  readonly seconds: number
  readonly attenuation: number
}

/** What a sighting measured holds until the next one. */
function stretchesOf(run: readonly Sighting[], scanning: Scanning): Stretch[] {
  return run.map((sighting, k) => {
    const before = k === 0 ? MARGIN_SECONDS : 0
    const next = run[k + 1]
    const after = next === undefined ? MARGIN_SECONDS : next.at - sighting.at
    return { seconds: before + after, attenuation: attenuationIn(sighting, scanning) }
  })
}

const secondsOf = (stretches: readonly Stretch[]): number => stretches.reduce((sum, { seconds }) => sum + seconds, 0)

function meanAttenuation(stretches: readonly Stretch[]): number {
  const sum = stretches.reduce((total, { seconds, attenuation }) => total + seconds * attenuation, 0)
  return Math.round(sum / secondsOf(stretches))
}

function durationsAt(stretches: readonly Stretch[], [low, high]: readonly [number, number]): [number, number, number] {
  const below = (threshold: number) => secondsOf(stretches.filter(({ attenuation }) => attenuation < threshold))
  return [below(low), below(high) - below(low), secondsOf(stretches) - below(high)]
}

/** To multiples of 5 minutes, halves down, after the one scan interval that is added for the ends. */
function roundedDuration(seen: number): number {
  const seconds = seen + SCAN_INTERVAL_SECONDS
  const over = seconds % SCAN_INTERVAL_SECONDS
  return seconds - over + (over <= MARGIN_SECONDS ? 0 : SCAN_INTERVAL_SECONDS)
}

/** What the four factors are taken from. `duration` in seconds; a `transmissionRisk` other than 1 to 8 scores 1. */
export interface RiskFactorsV1 {
  readonly attenuation: number
  readonly days: number
  readonly duration: number
  readonly transmissionRisk: number
}

/** The product of four scores; 0 below the minimum. */
export function riskScore(factors: RiskFactorsV1, scoring: ScoringV1): number {
  const minutes = Math.floor(factors.duration / 60)
  const score =
    scoring.attenuationScores[bucket(ATTENUATION_BOUNDS, (bound) => factors.attenuation > bound)]! *
    scoring.daysSinceExposureScores[bucket(DAY_BOUNDS, (bound) => factors.days >= bound)]! *
    scoring.durationScores[bucket(MINUTE_BOUNDS, (bound) => minutes <= bound)]! *
    (scoring.transmissionRiskScores[factors.transmissionRisk - 1] ?? 1)
  return score >= scoring.minimumRiskScore ? score : 0
}

function bucket(bounds: readonly number[], isIn: (bound: number) => boolean): number {
  const found = bounds.findIndex(isIn)
  return found < 0 ? bounds.length : found
}

/** Throws `Malformed` naming the field, for a configuration that the platforms would refuse. */
export function checkScoringV1(scoring: ScoringV1): void {
  const { attenuationScores, daysSinceExposureScores, durationScores, transmissionRiskScores } = scoring
  const tables = { attenuationScores, daysSinceExposureScores, durationScores, transmissionRiskScores }
  for (const [name, scores] of Object.entries(tables)) {
    if (scores.length !== 8 || !scores.every((score) => isWhole(score, 0, 8))) throw new Malformed(name, '8 of 0 to 8')
  }
  if (!isWhole(scoring.minimumRiskScore, 1, 4096)) throw new Malformed('minimumRiskScore', '1 to 4096')
  const { durationThresholds } = scoring
  const [low, high] = durationThresholds
  if (durationThresholds.length !== 2 || !isWhole(high, 0, 255) || !isWhole(low, 0, high)) {
    throw new Malformed('durationThresholds', 'two ascending whole numbers of 0 to 255')
  }
}

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most
