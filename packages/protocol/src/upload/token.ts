// Upload tokens: one for each item, single-use, issued by the authority for a contact day, verified by the back-end. Here the
// token is an HMAC under the issuer's key, so issuer and back-end can link its two ends. Blind signatures replace the four
// functions `requestToken`, `respondToken`, `finishToken` and `verifyToken`, and nothing else.
import { equalBytes, hmacSha256, sha256 } from '#crypto'
import { ascii, concat, Writer } from '../bytes.ts'
import type { UtcDay } from '../time.ts'

/** Lengths in bytes. */
export const TOKEN = { random: 32, request: 32, response: 32, size: 64, spentKey: 16 } as const

/** The issuer's key for tokens of one contact day: the window of the authority is enforced to the day. */
export function issuerDayKey(issuerKey: Uint8Array, day: UtcDay): Uint8Array {
  return hmacSha256(issuerKey, concat(ascii('token day'), new Writer(4).uint(4, day).bytes))
}

/** The request commits to the item: a token fits no other content. `pending` stays on the phone until the response. */
export function requestToken(
  item: Uint8Array,
  random: Uint8Array,
): { readonly request: Uint8Array; readonly pending: Uint8Array } {
  const nonce = sha256(concat(ascii('robert-item'), item, random))
  return { request: nonce, pending: nonce }
}

export const respondToken = (dayKey: Uint8Array, request: Uint8Array): Uint8Array => hmacSha256(dayKey, request)

export const finishToken = (pending: Uint8Array, response: Uint8Array): Uint8Array => concat(pending, response)

export function verifyToken(dayKey: Uint8Array, item: Uint8Array, random: Uint8Array, token: Uint8Array): boolean {
  const { request } = requestToken(item, random)
  const fits = equalBytes(request, token.subarray(0, TOKEN.request))
  return equalBytes(hmacSha256(dayKey, request), token.subarray(TOKEN.request)) && fits
}

/** The key under which a token is spent: no content, no time, no order. */
export const spentKeyOf = (token: Uint8Array, day: UtcDay): Uint8Array =>
  sha256(concat(token.subarray(0, TOKEN.request), new Writer(4).uint(4, day).bytes)).subarray(0, TOKEN.spentKey)
