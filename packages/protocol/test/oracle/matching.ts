// Matching as the specification reads: every identifier of every key, one call of node:crypto each, against every sighting of it.
import { createCipheriv, hkdfSync } from 'node:crypto'
import type { DiagnosisKeys, IntervalNumber, KeyMatch, Sightings } from '../../src/gaen/index.ts'

const ROW = 16
const SECONDS = 600
const TOLERANCE = 7200

const rowOf = (bytes: Uint8Array, k: number): Uint8Array => bytes.subarray(ROW * k, ROW * (k + 1))
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** The identifier key of a temporary exposure key. */
export const identifierKeyOf = (key: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), 'EN-RPIK', ROW))

/** The identifier of one interval. */
export function identifierOf(identifierKey: Uint8Array, interval: number): Uint8Array {
  const padded = Buffer.alloc(ROW)
  padded.write('EN-RPI')
  padded.writeUInt32LE(interval, 12)
  return new Uint8Array(createCipheriv('aes-128-ecb', identifierKey, null).setAutoPadding(false).update(padded))
}

export function matches(keys: DiagnosisKeys, sightings: Sightings): KeyMatch[] {
  const heard = new Map<string, number[]>()
  for (let sighting = 0; sighting < sightings.count; sighting++) {
    const text = textOf(rowOf(sightings.identifiers, sighting))
    heard.set(text, [...(heard.get(text) ?? []), sighting])
  }
  const found: KeyMatch[] = []
  for (let key = 0; key < keys.count; key++) {
    const identifierKey = identifierKeyOf(rowOf(keys.keyData, key))
    const start = keys.starts[key]!
    const end = Math.min(start + keys.periods[key]!, 2 ** 32)
    for (let interval = start; interval < end; interval++) {
      for (const sighting of heard.get(textOf(identifierOf(identifierKey, interval))) ?? []) {
        if (Math.abs(sightings.times[sighting]! - SECONDS * interval) > TOLERANCE) continue
        found.push({ key, sighting, interval: interval as IntervalNumber })
      }
    }
  }
  return found.sort((a, b) => a.key - b.key || a.sighting - b.sighting)
}
