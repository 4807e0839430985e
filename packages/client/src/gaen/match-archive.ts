// What a file of diagnosis keys says about what a phone heard. Pure: a host may run it wherever it likes.
import { Malformed } from '@vicinity/protocol'
import {
  associatedEncryptedMetadataKey,
  type DiagnosisKey,
  type DiagnosisKeys,
  type ExportFile,
  encryptMetadata,
  GAEN_SIZE,
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
  /** Whether the authority said something else of it before. */
  readonly revised: boolean
}

export interface MatchedArchive {
  /** Whether the file bears the signature of somebody whom this phone trusts; without it nothing of it was looked at. */
  readonly trusted: boolean
  /** Keys that were met, and keys that were taken back, met or not. Of a key of both lists the revised one comes later. */
  readonly keys: readonly Exposure[]
}

/** Keys of a file that is signed by somebody whom this phone trusts. */
export type OpenedKeys = Pick<ExportFile, 'keys' | 'revisedKeys'>

/** Undefined where a file cannot be read, or bears no signature of somebody trusted: nothing of it was looked at. */
export function openKeys(archive: Uint8Array, trusted: TrustedKeys): OpenedKeys | undefined {
  try {
    const outcome = openArchive(archive, trusted)
    return outcome.ok ? outcome.value : undefined
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return undefined
  }
}

export function matchKeys(opened: OpenedKeys | undefined, log: readonly Heard[]): MatchedArchive {
  if (opened === undefined) return { trusted: false, keys: [] }
  const sightings = columnsOf(log)
  const keys = exposuresIn(opened.keys, false, sightings, log)
  const revised = exposuresIn(opened.revisedKeys, true, sightings, log)
  return { trusted: true, keys: [...keys, ...revised, ...revokedIn(opened.revisedKeys)] }
}

function columnsOf(log: readonly Heard[]): Sightings {
  const identifiers = new Uint8Array(GAEN_SIZE.rollingProximityIdentifier * log.length)
  for (const [k, { identifier }] of log.entries()) {
    identifiers.set(identifier, GAEN_SIZE.rollingProximityIdentifier * k)
  }
  return { count: log.length, identifiers, times: Float64Array.from(log, ({ at }) => at) }
}

function exposuresIn(keys: DiagnosisKeys, revised: boolean, sightings: Sightings, log: readonly Heard[]): Exposure[] {
  const met = new Map<number, KeyMatch[]>()
  for (const match of matchDiagnosisKeys(keys, sightings)) {
    const matches = met.get(match.key)
    if (matches === undefined) met.set(match.key, [match])
    else matches.push(match)
  }
  return [...met]
    .map(([k, matches]) => {
      const key = keyAt(keys, k)
      return exposureTo(key, revised, sightingsOf(key, matches, log))
    })
    .filter((exposure) => exposure.sightings.length > 0)
}

function sightingsOf({ keyData }: DiagnosisKey, matches: readonly KeyMatch[], log: readonly Heard[]): Sighting[] {
  const metadataKey = associatedEncryptedMetadataKey(keyData)
  return matches.flatMap(({ sighting, interval }) => {
    const { identifier, encryptedMetadata, at, strength, previousScanAt } = log[sighting]!
    const metadata = unpackMetadata(encryptMetadata(metadataKey, identifier, encryptedMetadata))
    return sightingOf({ at, interval, strength, previousScanAt }, metadata) ?? []
  })
}

const exposureTo = (
  { keyData, rollingStart, transmissionRisk, reportType, daysSinceOnset }: DiagnosisKey,
  revised: boolean,
  sightings: readonly Sighting[],
): Exposure => ({
  keyData: keyData.slice(),
  key: { rollingStart, transmissionRisk, reportType, daysSinceOnset },
  revised,
  sightings,
})

/** A key that was taken back ends an exposure, also where its sightings are gone from the log. */
const revokedIn = (keys: DiagnosisKeys): Exposure[] =>
  Array.from(keys.reportTypes, (reportType, k) =>
    reportType === REPORT_TYPE.revoked ? [exposureTo(keyAt(keys, k), true, [])] : [],
  ).flat()
