// Reset after a negative test (ROBERT §3.2.1: UN can be reset when the user proves that she is not at risk any more).
// The token is an HMAC of the authority's issuer; a blind token replaces it when those exist.
import { equalBytes, hmacSha256 } from '#crypto'
import { ascii, concat, type Random, Reader, Writer } from '../bytes.ts'
import {
  DAY_SECONDS,
  dayOf,
  type NtpSeconds,
  ntpOf,
  time32,
  type UnixSeconds,
  type UtcDay,
  unfold32,
  unixOf,
} from '../time.ts'

const NONCE = 16
const MAC = 16
/** Nonce 16 | time of the test 4 | MAC 16: what the payload of c = 7 carries. */
export const RESET_TOKEN: number = NONCE + 4 + MAC

const macOf = (key: Uint8Array, head: Uint8Array): Uint8Array =>
  hmacSha256(key, concat(ascii('negative test'), head)).subarray(0, MAC)

/** A single-use token of the authority for one negative test. */
export function makeResetToken(key: Uint8Array, testedAt: UnixSeconds, random: Random): Uint8Array {
  const head = new Writer(NONCE + 4).put(random(NONCE)).uint(4, time32(ntpOf(testedAt))).bytes
  return concat(head, macOf(key, head))
}

/** A token that was not forged and whose test is not older than `days`. */
export interface CheckedReset {
  readonly testedAt: UnixSeconds
  /** The day and the key under which it is spent, like an upload token. */
  readonly day: UtcDay
  readonly spentKey: Uint8Array
}

export function checkResetToken(
  key: Uint8Array,
  token: Uint8Array,
  at: UnixSeconds,
  days: number,
): CheckedReset | undefined {
  const reader = new Reader(token, RESET_TOKEN, 'token')
  const spentKey = reader.take(NONCE)
  const testedAt = unixOf(unfold32(reader.uint(4), ntpOf(at) as NtpSeconds))
  const genuine = equalBytes(macOf(key, token.subarray(0, NONCE + 4)), reader.take(MAC))
  if (!genuine || testedAt > at || at - testedAt >= days * DAY_SECONDS) return undefined
  return { testedAt, day: dayOf(testedAt), spentKey: Uint8Array.from(spentKey) }
}
