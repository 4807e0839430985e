// From the daily key to what is broadcast (Cryptography Specification v1.2.1). Each key comes from random bits alone, none from another.
import { aesBlocks, hkdf } from '#crypto'
import { ascii } from '../bytes.ts'
import type { IntervalNumber } from './interval.ts'

const BLOCK = 16
const RPIK_INFO = ascii('EN-RPIK')
const AEMK_INFO = ascii('EN-AEMK')
const RPI_PREFIX = ascii('EN-RPI')
const INTERVAL_AT = 12
const LITTLE_ENDIAN = true

/** RPIK = HKDF(TEK, no salt, "EN-RPIK", 16). */
export const rollingProximityIdentifierKey = (temporaryExposureKey: Uint8Array): Uint8Array =>
  hkdf(temporaryExposureKey, new Uint8Array(0), RPIK_INFO, BLOCK)

/** AEMK = HKDF(TEK, no salt, "EN-AEMK", 16). */
export const associatedEncryptedMetadataKey = (temporaryExposureKey: Uint8Array): Uint8Array =>
  hkdf(temporaryExposureKey, new Uint8Array(0), AEMK_INFO, BLOCK)

/** RPI = AES128(RPIK, PaddedData) of `count` consecutive intervals, 16 bytes each. */
export function rollingProximityIdentifiers(
  identifierKey: Uint8Array,
  first: IntervalNumber,
  count: number,
): Uint8Array {
  const padded = new Uint8Array(BLOCK * count)
  const view = new DataView(padded.buffer)
  for (let k = 0; k < count; k++) {
    padded.set(RPI_PREFIX, BLOCK * k)
    view.setUint32(BLOCK * k + INTERVAL_AT, first + k, LITTLE_ENDIAN)
  }
  return aesBlocks(identifierKey)(padded)
}

/**
 * AEM = AES128-CTR(AEMK, RPI, metadata) for one or more identifiers of 16 bytes: 4 bytes each. `metadata` has 4 bytes, the same for all.
 * The same turns it back. Not authenticated: whoever relays can turn its bits.
 */
export function encryptMetadata(metadataKey: Uint8Array, identifiers: Uint8Array, metadata: Uint8Array): Uint8Array {
  // Four bytes need the first block of the key stream only, whose counter is the identifier.
  const stream = aesBlocks(metadataKey)(identifiers)
  const { length } = metadata
  return Uint8Array.from({ length: (length * identifiers.length) / BLOCK }, (_, k) => {
    const n = Math.floor(k / length)
    return metadata[k % length]! ^ stream[BLOCK * n + (k % length)]!
  })
}
