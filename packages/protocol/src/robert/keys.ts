import { equalBytes, hmacSha256, sharedSecret } from '#crypto'
import { ascii } from '../bytes.ts'
import type { Profile } from './constants.ts'

/** The two keys that a phone and the back-end share, 32 bytes each (ROBERT §3.2.1). */
export interface SharedKeys {
  readonly authenticationKey: Uint8Array
  readonly encryptionKey: Uint8Array
}

/**
 * Key agreement of ROBERT §3.3, the same on both sides. `privateKey` has 32 bytes, `point` is the other side's
 * uncompressed P-256 point of 65 bytes. Undefined when the point is refused.
 */
export function agreeKeys(profile: Profile, privateKey: Uint8Array, point: Uint8Array): SharedKeys | undefined {
  const secret = sharedSecret(privateKey, point)
  if (secret === undefined) return undefined
  return {
    authenticationKey: hmacSha256(secret, ascii(profile.authenticationLabel)),
    encryptionKey: hmacSha256(secret, ascii(profile.encryptionLabel)),
  }
}

/** Whether `mac`, possibly truncated, is the beginning of HMAC-SHA256(key, message). Compares in constant time. */
export function macIsValid(key: Uint8Array, message: Uint8Array, mac: Uint8Array): boolean {
  return equalBytes(hmacSha256(key, message).subarray(0, mac.length), mac)
}
