// What binds a verification certificate to the keys that are published with it: an HMAC that only the phone can make before it
// publishes, since only it knows the secret.
import { equalBytes, hmacSha256 } from '#crypto'
import { ascii } from '../bytes.ts'

/** A key as a publish carries it. */
export interface CertifiedKey {
  /** Base64 exactly as sent: the MAC is over the text, so another spelling of the same bytes is another key. */
  readonly key: string
  readonly rollingStartNumber: number
  readonly rollingPeriod: number
  /** 0..8; omitted counts as 0. */
  readonly transmissionRisk?: number | undefined
}

const macOf = (keys: readonly CertifiedKey[], secret: Uint8Array, risk: (key: CertifiedKey) => string): Uint8Array => {
  const texts = keys.map((key) => [key.key, `.${key.rollingStartNumber}.${key.rollingPeriod}${risk(key)}`] as const)
  texts.sort(([a], [b]) => (a < b ? -1 : 1))
  return hmacSha256(secret, ascii(texts.map((parts) => parts.join('')).join(',')))
}

const withRisk = (key: CertifiedKey): string => `.${key.transmissionRisk ?? 0}`
const withoutRisk = (): string => ''

/**
 * tekmac, 32 bytes: HMAC-SHA256 under a secret of at least 16 random bytes, over `key.start.period.risk` of all keys in the order of
 * their base64, joined by commas; without risks where no key has one.
 */
export const tekMac = (keys: readonly CertifiedKey[], secret: Uint8Array): Uint8Array =>
  macOf(keys, secret, keys.every((key) => key.transmissionRisk === undefined) ? withoutRisk : withRisk)

/** Whether `mac` is that of the keys; where every risk is zero, with or without risks. Takes the same time for every MAC. */
export function tekMacFits(mac: Uint8Array, keys: readonly CertifiedKey[], secret: Uint8Array): boolean {
  const fits = equalBytes(mac, macOf(keys, secret, withRisk))
  const fitsWithout = equalBytes(mac, macOf(keys, secret, withoutRisk))
  return fits || (fitsWithout && keys.every((key) => (key.transmissionRisk ?? 0) === 0))
}
