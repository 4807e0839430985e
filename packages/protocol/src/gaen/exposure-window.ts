// From the sightings of one matched key to exposure windows (Exposure Notification API, ExposureWindow; the rules are those of Google's
// published internals, KeyExposureEvaluator).
import { dayOf, type UnixSeconds, type UtcDay } from '../time.ts'
import type { DiagnosisKey } from './diagnosis-key.ts'
import {
  type CountedReportType,
  countedReportType,
  INFECTIOUSNESS,
  type Infectiousness,
  infectiousnessOf,
  type KeyReading,
} from './infectiousness.ts'
import type { IntervalNumber } from './interval.ts'
import { isPlausible, type Metadata } from './metadata.ts'

/** One reception of an identifier of a matched key. */
export interface Sighting {
  readonly at: UnixSeconds
  /** The interval of its identifier. */
  readonly interval: IntervalNumber
  /** In dB, from 0 up; undefined where no strength was measured. */
  readonly attenuation: number | undefined
  /** When the phone had listened before, whether or not it heard this identifier; undefined where it does not know. */
  readonly previousScanAt: UnixSeconds | undefined
  /** 0 lowest to 3 high. */
  readonly calibrationConfidence: number
}

/** A diagnosis key that a phone met, and when. What the risk needs of it; kept as long as the sightings are. */
export interface MatchedKey {
  readonly key: Pick<DiagnosisKey, 'rollingStart' | 'transmissionRisk' | 'reportType' | 'daysSinceOnset'>
  /** In any order. */
  readonly sightings: readonly Sighting[]
}

/** How sightings become time. */
export interface Scanning {
  /** Sightings at most so many seconds apart are of one scan. */
  readonly sameScan: number
  /** A window ends so many seconds after its first sighting. */
  readonly window: number
  /** A scan counts for at most so many minutes. */
  readonly mostMinutes: number
  /** Minutes that a scan counts for where the one before is unknown. */
  readonly unknownMinutes: number
  /** dB that stand for a strength that was not measured. */
  readonly unknownAttenuation: number
}

/**
 * Of phones: a scan takes 4 s, 13 s longer while Bluetooth is busy, and one and a half times that is still the same scan. 60 dB is
 * near in every model here, so that what has no strength counts in full, as in ROBERT.
 */
export const PHONE_SCANNING: Scanning = {
  sameScan: 25.5,
  window: 1800,
  mostMinutes: 5,
  unknownMinutes: 2,
  unknownAttenuation: 60,
}

/** Of contact traces, in which each record is a scan of its own: 20 s apart they would merge into one scan of a whole window. */
export const RECORD_SCANNING: Scanning = { ...PHONE_SCANNING, sameScan: 0 }

/** A record of contact that covers the `seconds` up to `at`, as a sighting without strength. Read with `RECORD_SCANNING`. */
export const recordSighting = (at: UnixSeconds, seconds: number, interval: IntervalNumber): Sighting => ({
  at,
  interval,
  attenuation: undefined,
  previousScanAt: (at - seconds) as UnixSeconds,
  calibrationConfidence: 0,
})

/**
 * Attenuation in dB from what the sender says of its power and the strength that was received, both in dBm. `correction` is that of
 * the receiving model, in dB. Never negative.
 */
export const attenuationOf = (transmitPower: number, strength: number, correction = 0): number =>
  Math.max(0, transmitPower - (strength + correction))

/** What a phone hears. */
export interface Reception {
  readonly at: UnixSeconds
  readonly interval: IntervalNumber
  /** dBm; undefined where the radio does not know it. */
  readonly strength: number | undefined
  readonly previousScanAt: UnixSeconds | undefined
}

/** A reception with its decrypted metadata; undefined where they are no phone's: they are not authenticated, and were tampered with. */
export function sightingOf(reception: Reception, metadata: Metadata, correction = 0): Sighting | undefined {
  if (!isPlausible(metadata)) return undefined
  const { at, interval, strength, previousScanAt } = reception
  const attenuation = strength === undefined ? undefined : attenuationOf(metadata.transmitPower, strength, correction)
  // Before version 1.1 these bits were reserved.
  const calibrationConfidence = metadata.minorVersion === 0 ? 0 : metadata.calibrationConfidence
  return { at, interval, attenuation, previousScanAt, calibrationConfidence }
}

export interface ScanInstance {
  /** Mean in dB, rounded. */
  readonly typicalAttenuation: number
  readonly minAttenuation: number
  /** Whole minutes, in seconds. */
  readonly secondsSinceLastScan: number
}

/** At most half an hour near one key. It has no time but its day. */
export interface ExposureWindow {
  readonly day: UtcDay
  readonly reportType: CountedReportType
  readonly infectiousness: Exclude<Infectiousness, typeof INFECTIOUSNESS.none>
  readonly calibrationConfidence: number
  readonly scans: readonly ScanInstance[]
}

/** No phone sends an identifier longer: what comes later is a replay. */
const LONGEST_USE_SECONDS = 1200

/** Those that are no replays, by time. Equal times have an order too, so that the order of arrival never shows in a result. */
export function validSightings(sightings: readonly Sighting[]): Sighting[] {
  const sorted = [...sightings].sort(
    (a, b) =>
      a.at - b.at ||
      a.interval - b.interval ||
      (a.previousScanAt ?? 0) - (b.previousScanAt ?? 0) ||
      a.calibrationConfidence - b.calibrationConfidence,
  )
  const firsts = new Map<IntervalNumber, UnixSeconds>()
  return sorted.filter(({ at, interval }) => {
    const first = firsts.get(interval) ?? at
    firsts.set(interval, first)
    return at - first <= LONGEST_USE_SECONDS
  })
}

/**
 * The exposure windows of one matched key, by time. None for a key that does not count: taken back, of a reserved type, or of a day
 * without infectiousness.
 */
export function exposureWindows(matched: MatchedKey, reading: KeyReading, scanning: Scanning): ExposureWindow[] {
  const reportType = countedReportType(matched.key.reportType, reading)
  const infectiousness = infectiousnessOf(matched.key.daysSinceOnset, reading)
  if (reportType === undefined || infectiousness === INFECTIOUSNESS.none) return []
  return windowsOf(validSightings(matched.sightings), scanning.window).map((sightings) => ({
    day: dayOf(sightings[0]!.at),
    reportType,
    infectiousness,
    calibrationConfidence: sightings[0]!.calibrationConfidence,
    scans: runsOf(sightings, scanning.sameScan).map((scan) => scanInstance(scan, scanning)),
  }))
}

/** Cuts a list where the next element does not belong to what is being gathered. */
function cut<T>(list: readonly T[], belongs: (part: readonly T[], next: T) => boolean): T[][] {
  const parts: T[][] = []
  for (const next of list) {
    const part = parts.at(-1)
    if (part !== undefined && belongs(part, next)) part.push(next)
    else parts.push([next])
  }
  return parts
}

/** The elements of a list by a key, each group in the order of the list. */
export function groupsOf<T, Key>(list: readonly T[], keyOf: (element: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>()
  for (const element of list) {
    const group = groups.get(keyOf(element))
    if (group === undefined) groups.set(keyOf(element), [element])
    else group.push(element)
  }
  return groups
}

const windowsOf = (sightings: readonly Sighting[], seconds: number): Sighting[][] =>
  cut(sightings, (window, next) => next.at - window[0]!.at < seconds)

/** Sightings by time, in runs without a gap of more than `seconds`. */
export const runsOf = (sightings: readonly Sighting[], seconds: number): Sighting[][] =>
  cut(sightings, (run, next) => next.at - run.at(-1)!.at <= seconds)

export const attenuationIn = (sighting: Sighting, scanning: Scanning): number =>
  sighting.attenuation ?? scanning.unknownAttenuation

function scanInstance(scan: readonly Sighting[], scanning: Scanning): ScanInstance {
  const attenuations = scan.map((sighting) => attenuationIn(sighting, scanning))
  const sum = attenuations.reduce((total, attenuation) => total + attenuation, 0)
  return {
    typicalAttenuation: Math.round(sum / attenuations.length),
    minAttenuation: Math.min(...attenuations),
    secondsSinceLastScan: secondsSinceLastScan(scan[0]!, scanning),
  }
}

/** Differences of whole minutes of the clock, not rounded differences: over a contact they add up to its length. */
function secondsSinceLastScan({ at, previousScanAt }: Sighting, { mostMinutes, unknownMinutes }: Scanning): number {
  if (previousScanAt === undefined) return 60 * unknownMinutes
  const minutes = Math.floor(at / 60) - Math.floor(previousScanAt / 60)
  // A clock that was set back between two scans.
  return 60 * Math.min(mostMinutes, Math.max(0, minutes))
}
