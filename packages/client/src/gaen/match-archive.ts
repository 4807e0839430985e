// What a file of diagnosis keys says about what a phone heard. Pure: a host may run it wherever it likes.
import { concat } from '@vicinity/protocol'
import {
  associatedEncryptedMetadataKey,
  type DiagnosisKey,
  type DiagnosisKeys,
  encryptMetadata,
  isPlausible,
  type KeyMatch,
  keyAt,
  type MatchedKey,
  matchDiagnosisKeys,
  openArchive,
  REPORT_TYPE,
  type Sighting,
  type Sightings,
  sightingOf,
  type TrustedKeys,
  unpackMetadata,
} from '@vicinity/protocol/gaen'
import type { Heard } from './events.ts'

/** A diagnosis key that the phone met. */
export interface Exposure extends MatchedKey {
  readonly keyData: Uint8Array
}

export interface MatchedArchive {
  /** Whether the file bears the signature of somebody whom this phone trusts; without it nothing of it was looked at. */
  readonly trusted: boolean
  /** Keys that were met, and keys that were taken back, met or not. A key of both lists is that of the revised one. */
  readonly keys: readonly Exposure[]
}

const NOTHING: MatchedArchive = { trusted: false, keys: [] }

/** Throws `Malformed` never: what cannot be read is not trusted. */
export function matchArchive(archive: Uint8Array, trusted: TrustedKeys, log: readonly Heard[]): MatchedArchive {
  const opened = open(archive, trusted)
  if (opened === undefined) return NOTHING
  const sightings = columnsOf(log)
  const revised = exposuresIn(opened.revisedKeys, sightings, log)
  const takenBack = revokedIn(opened.revisedKeys)
  return { trusted: true, keys: [...exposuresIn(opened.keys, sightings, log), ...revised, ...takenBack] }
}

function open(archive: Uint8Array, trusted: TrustedKeys) {
  try {
    const outcome = openArchive(archive, trusted)
    return outcome.ok ? outcome.value : undefined
  } catch (error) {
    if ((error as Error).name !== 'Malformed') throw error
    return undefined
  }
}

const columnsOf = (log: readonly Heard[]): Sightings => ({
  count: log.length,
  identifiers: concat(...log.map(({ identifier }) => identifier)),
  times: Float64Array.from(log, ({ at }) => at),
})

function exposuresIn(keys: DiagnosisKeys, sightings: Sightings, log: readonly Heard[]): Exposure[] {
  const met = new Map<number, KeyMatch[]>()
  for (const match of matchDiagnosisKeys(keys, sightings)) {
    const matches = met.get(match.key)
    if (matches === undefined) met.set(match.key, [match])
    else matches.push(match)
  }
  return [...met]
    .map(([k, matches]) => exposureOf(keyAt(keys, k), matches, log))
    .filter((it) => it.sightings.length > 0)
}

function exposureOf(key: DiagnosisKey, matches: readonly KeyMatch[], log: readonly Heard[]): Exposure {
  const metadataKey = associatedEncryptedMetadataKey(key.keyData)
  const sightings = matches.flatMap(({ sighting, interval }): Sighting[] => {
    const heard = log[sighting]!
    const metadata = unpackMetadata(encryptMetadata(metadataKey, heard.identifier, heard.encryptedMetadata))
    const { at, strength, previousScanAt } = heard
    if (strength === undefined) {
      if (!isPlausible(metadata)) return []
      const { calibrationConfidence } = metadata
      return [{ at, interval, attenuation: undefined, previousScanAt, calibrationConfidence }]
    }
    return [sightingOf({ at, interval, strength, previousScanAt }, metadata) ?? []].flat()
  })
  return exposure(key, sightings)
}

const exposure = (
  { keyData, rollingStart, transmissionRisk, reportType, daysSinceOnset }: DiagnosisKey,
  sightings: readonly Sighting[],
): Exposure => ({
  keyData: keyData.slice(),
  key: { rollingStart, transmissionRisk, reportType, daysSinceOnset },
  sightings,
})

/** A key that was taken back ends an exposure, also where its sightings are gone from the log. */
const revokedIn = (keys: DiagnosisKeys): Exposure[] =>
  Array.from(keys.reportTypes, (reportType, k) =>
    reportType === REPORT_TYPE.revoked ? [exposure(keyAt(keys, k), [])] : [],
  ).flat()
