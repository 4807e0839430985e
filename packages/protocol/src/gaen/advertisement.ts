// What a phone broadcasts (Bluetooth Specification v1.2.2): 31 bytes, not connectable, from a random address that changes together with
// the identifier.
import { concat, Reader } from '../bytes.ts'
import { Malformed } from '../outcome.ts'
import { GAEN_SIZE } from './constants.ts'

/** Flags; the complete list of services, which is 0xFD6F; service data of 0xFD6F. */
const HEAD = Uint8Array.of(0x02, 0x01, 0x1a, 0x03, 0x03, 0x6f, 0xfd, 0x17, 0x16, 0x6f, 0xfd)

export interface Advertisement {
  readonly rollingProximityIdentifier: Uint8Array
  readonly encryptedMetadata: Uint8Array
}

export const packAdvertisement = (advertisement: Advertisement): Uint8Array =>
  concat(HEAD, advertisement.rollingProximityIdentifier, advertisement.encryptedMetadata)

/** Throws `Malformed` for what is no advertisement of this service. Phones differ in the flags, which are not looked at. */
export function parseAdvertisement(bytes: Uint8Array): Advertisement {
  const reader = new Reader(bytes, GAEN_SIZE.advertisement, 'advertisement')
  const head = reader.take(HEAD.length)
  const FLAGS = 2
  if (head.some((byte, k) => k !== FLAGS && byte !== HEAD[k])) throw new Malformed('advertisement', 'service 0xFD6F')
  return {
    rollingProximityIdentifier: reader.take(GAEN_SIZE.rollingProximityIdentifier),
    encryptedMetadata: reader.take(GAEN_SIZE.metadata),
  }
}
