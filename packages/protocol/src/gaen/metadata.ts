import { Reader } from '../bytes.ts'
import { GAEN_SIZE } from './constants.ts'

/** The four bytes that travel encrypted with an identifier. */
export interface Metadata {
  readonly majorVersion: number
  readonly minorVersion: number
  /** From version 1.1 on: 0 lowest, 1 low, 2 medium, 3 high. */
  readonly calibrationConfidence: number
  /** Radiated power in dBm, -127..127. */
  readonly transmitPower: number
}

/** What this phone says of itself. */
export const metadataOf = (transmitPower: number, calibrationConfidence = 0): Metadata => ({
  majorVersion: 1,
  minorVersion: 1,
  calibrationConfidence,
  transmitPower,
})

/** version: major 2 bits | minor 2 | confidence 2 | reserved 2, then power int8, then two reserved bytes. */
export function packMetadata(metadata: Metadata): Uint8Array {
  const packed = new Uint8Array(GAEN_SIZE.metadata)
  packed[0] = (metadata.majorVersion << 6) | (metadata.minorVersion << 4) | (metadata.calibrationConfidence << 2)
  packed[1] = metadata.transmitPower
  return packed
}

/** Throws `Malformed` for another length than 4 bytes. Every content is some metadata: it is not authenticated. */
export function unpackMetadata(bytes: Uint8Array): Metadata {
  const reader = new Reader(bytes, GAEN_SIZE.metadata, 'metadata')
  const version = reader.uint(1)
  return {
    majorVersion: version >> 6,
    minorVersion: (version >> 4) & 3,
    calibrationConfidence: (version >> 2) & 3,
    transmitPower: (reader.uint(1) << 24) >> 24,
  }
}

/** Powers outside are no phone's: what claims them was tampered with. */
const POWERS = { least: -50, most: 20 }
export const isPlausible = ({ majorVersion, transmitPower }: Metadata): boolean =>
  majorVersion === 1 && transmitPower >= POWERS.least && transmitPower <= POWERS.most
