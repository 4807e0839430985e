import { equalBytes, hmacSha256, sharedSecret } from '#crypto'
import { ascii, toHex } from '../bytes.ts'
import { SIZE } from './constants.ts'
import type { Profile } from './profile.ts'

/** The two keys that a phone and the back-end share, 32 bytes each (ROBERT §3.2.1). */
export interface SharedKeys {
  readonly authenticationKey: Uint8Array
  readonly encryptionKey: Uint8Array
}

// NIST P-256: y^2 = x^3 - 3x + b over the field of p (ROBERT §3.1).
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/** Whether bytes are an uncompressed point on P-256. Cheap: it comes before any scalar multiplication. */
export function isPublicPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== SIZE.publicPoint || bytes[0] !== 4) return false
  const x = BigInt(`0x${toHex(bytes.subarray(1, 33))}`)
  const y = BigInt(`0x${toHex(bytes.subarray(33))}`)
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n
}

/**
 * Key agreement of ROBERT §3.3, the same on both sides. `privateKey` has 32 bytes, `point` is the other side's
 * uncompressed P-256 point of 65 bytes. Undefined when the point is refused.
 */
export function agreeKeys(profile: Profile, privateKey: Uint8Array, point: Uint8Array): SharedKeys | undefined {
  const secret = sharedSecret(privateKey, point)
  return secret === undefined ? undefined : keysOfSecret(profile, secret)
}

/** The same where the shared secret, 32 bytes, was computed elsewhere, as in a token that keeps the private key. */
export const keysOfSecret = (profile: Profile, secret: Uint8Array): SharedKeys => ({
  authenticationKey: hmacSha256(secret, ascii(profile.authenticationLabel)),
  encryptionKey: hmacSha256(secret, ascii(profile.encryptionLabel)),
})

/** Whether `mac`, possibly truncated, is the beginning of HMAC-SHA256(key, message). Compares in constant time. */
export function macIsValid(key: Uint8Array, message: Uint8Array, mac: Uint8Array): boolean {
  return equalBytes(hmacSha256(key, message).subarray(0, mac.length), mac)
}
