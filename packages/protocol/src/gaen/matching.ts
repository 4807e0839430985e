// Which sightings were of somebody whose keys were published.
import { INTERVAL_SECONDS, TOLERANCE_SECONDS } from './constants.ts'
import { type DiagnosisKeys, keyAt } from './diagnosis-key.ts'
import type { IntervalNumber } from './interval.ts'
import { rollingProximityIdentifierKey, rollingProximityIdentifiers } from './key-schedule.ts'

/** What a phone heard, in columns; in any order, fastest in that of time. */
export interface Sightings {
  readonly count: number
  /** 16 bytes a sighting. */
  readonly identifiers: Uint8Array
  /** Unix seconds of reception, finite. */
  readonly times: Float64Array
}

export interface KeyMatch {
  /** Indices of the columns. */
  readonly key: number
  readonly sighting: number
  readonly interval: IntervalNumber
}

const IDENTIFIER = 16

/** Every pair of a key and a sighting of it, by key and then by sighting. */
export function matchDiagnosisKeys(keys: DiagnosisKeys, sightings: Sightings): KeyMatch[] {
  const rows = (bytes: Uint8Array, k: number) => bytes.subarray(IDENTIFIER * k, IDENTIFIER * (k + 1)).join()
  const heard = Map.groupBy(
    Array.from({ length: sightings.count }, (_, s) => s),
    (s) => rows(sightings.identifiers, s),
  )
  const matches: KeyMatch[] = []
  for (let k = 0; k < keys.count; k++) {
    const { keyData, rollingStart, rollingPeriod } = keyAt(keys, k)
    const identifiers = rollingProximityIdentifiers(rollingProximityIdentifierKey(keyData), rollingStart, rollingPeriod)
    for (let n = 0; n < rollingPeriod; n++) {
      const interval = (rollingStart + n) as IntervalNumber
      for (const sighting of heard.get(rows(identifiers, n)) ?? []) {
        const away = Math.abs(sightings.times[sighting]! - INTERVAL_SECONDS * interval)
        if (away <= TOLERANCE_SECONDS) matches.push({ key: k, sighting, interval })
      }
    }
  }
  return matches.sort((a, b) => a.key - b.key || a.sighting - b.sighting)
}
